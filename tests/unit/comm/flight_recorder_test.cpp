#include "dusk/comm/flight_recorder.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/comm/in_process.hpp"
#include "support/expect_error.hpp"

namespace dusk {
namespace {

using State = CollectiveReport::State;
using std::chrono::seconds;

/// A communicator whose works end when the test says so.
class ManualWork final : public WorkState {
 public:
  void wait() override {
    if (!error.empty()) throw CommError(error);
  }
  void wait_stream() override { wait(); }
  [[nodiscard]] bool done() const override { return is_done; }

  bool is_done = false;
  std::string error;
};

struct Fixture {
  ActivityBoard activity;
  FlightRecorder::Clock::time_point now{seconds(1000)};
  FlightRecorder recorder{activity, [this] { return now; }};
  std::size_t channel = recorder.add_communicator("control", 1, 3);

  std::shared_ptr<ManualWork> issue(const std::string& name) {
    auto work = std::make_shared<ManualWork>();
    recorder.attach(recorder.issue(channel, "all-reduce", name, Bytes{8}, "float32"), Work(work));
    return work;
  }
};

TEST(FlightRecorder, NotesWhatWhenAndInWhichPhase) {
  Fixture f;
  f.activity.set_step(7);
  {
    const PhaseScope phase(&f.activity, Phase::compute);
    (void)f.issue("grad 0");
  }
  f.now += seconds(5);
  const auto snapshot = f.recorder.snapshot();
  ASSERT_EQ(snapshot.collectives.size(), 1u);
  const CollectiveReport& note = snapshot.collectives[0];
  EXPECT_EQ(note.communicator, "control");
  EXPECT_EQ(note.sequence, 0u);
  EXPECT_EQ(note.kind, "all-reduce");
  EXPECT_EQ(note.name, "grad 0");
  EXPECT_EQ(note.bytes, 8u);
  EXPECT_EQ(note.type, "float32");
  EXPECT_EQ(note.phase, Phase::compute);
  EXPECT_EQ(note.step, 7);
  EXPECT_EQ(note.state, State::queued);
  EXPECT_DOUBLE_EQ(note.issued_seconds, 5);
  test::expect_contains(note.where, "tests/unit/comm/flight_recorder_test.cpp:");
  EXPECT_NE(note.where.front(), '/');
  ASSERT_EQ(snapshot.communicators.size(), 1u);
  EXPECT_EQ(snapshot.communicators[0].rank, 1);
  EXPECT_EQ(snapshot.communicators[0].size, 3);
  EXPECT_EQ(snapshot.communicators[0].issued, 1u);
}

TEST(FlightRecorder, SeesTheEndOfWorksInTheirOrder) {
  Fixture f;
  const auto first = f.issue("a");
  const auto second = f.issue("b");
  const auto third = f.issue("c");
  second->is_done = true;  // cannot be before the first: not looked at
  EXPECT_EQ(f.recorder.snapshot().collectives[1].state, State::queued);
  const std::uint64_t before = f.recorder.progress();
  first->is_done = true;
  f.now += seconds(2);
  EXPECT_GT(f.recorder.progress(), before);
  f.now += seconds(1);
  const auto notes = f.recorder.snapshot().collectives;
  EXPECT_EQ(notes[0].state, State::done);
  EXPECT_DOUBLE_EQ(notes[0].done_seconds, 1);
  EXPECT_DOUBLE_EQ(notes[0].issued_seconds, 3);
  EXPECT_EQ(notes[1].state, State::done);
  EXPECT_EQ(notes[2].state, State::queued);
}

TEST(FlightRecorder, AnEndIsSeenWhenTheNextIsIssued) {
  Fixture f;
  const auto first = f.issue("a");
  std::weak_ptr<ManualWork> kept = f.issue("b");
  EXPECT_FALSE(kept.expired());  // not done: its tensors must live
  first->is_done = true;
  kept.lock()->is_done = true;
  (void)f.issue("c");
  EXPECT_TRUE(kept.expired());
}

TEST(FlightRecorder, KeepsTheErrorOfAFailedWork) {
  Fixture f;
  const auto work = f.issue("a");
  work->error = "rank 2 was lost";
  work->is_done = true;
  const auto notes = f.recorder.snapshot().collectives;
  EXPECT_EQ(notes[0].state, State::failed);
  EXPECT_EQ(notes[0].error, "rank 2 was lost");
}

TEST(FlightRecorder, RemembersTheLast512) {
  Fixture f;
  constexpr std::uint64_t kMore = 1300;
  for (std::uint64_t i = 0; i < kMore; ++i) f.issue(std::to_string(i))->is_done = true;
  const auto snapshot = f.recorder.snapshot();
  ASSERT_EQ(snapshot.collectives.size(), 512u);
  for (std::size_t i = 0; i < 512; ++i) {
    EXPECT_EQ(snapshot.collectives[i].sequence, kMore - 512 + i);
    EXPECT_EQ(snapshot.collectives[i].name, std::to_string(kMore - 512 + i));
    EXPECT_EQ(snapshot.collectives[i].state, State::done);
  }
  EXPECT_EQ(snapshot.communicators[0].issued, kMore);
}

/// An answer that comes after 512 newer ones must not be written over one of those.
TEST(FlightRecorder, ALateAnswerFindsItsOwnNoteOrNone) {
  Fixture f;
  const auto id = f.recorder.issue(f.channel, "barrier", "old", Bytes{0}, "");
  for (int i = 0; i < 512; ++i) (void)f.recorder.issue(f.channel, "barrier", "new", Bytes{0}, "");
  f.recorder.finish(id, std::make_exception_ptr(CommError("late")));
  for (const auto& note : f.recorder.snapshot().collectives) EXPECT_EQ(note.state, State::queued);
}

/// The decorated communicator of each of three ranks: same results, and notes of all that was done.
TEST(RecordingCommunicator, DoesWhatTheInnerOneDoesAndNotesIt) {
  run_in_process(3, [](Communicator& inner) {
    ActivityBoard activity;
    FlightRecorder recorder(activity);
    // The tests' communicator is not ours to give away: what is split off is.
    const auto comm = make_recording_communicator(inner.split(0, inner.rank()), recorder, "world");
    EXPECT_EQ(comm->rank(), inner.rank());
    EXPECT_EQ(comm->size(), 3);
    EXPECT_EQ(sum(*comm, comm->rank() + 1, "ranks"), 6);
    at::Tensor part = torch::full({2}, comm->rank(), torch::kFloat32);
    at::Tensor all = torch::zeros({6});
    comm->all_gather(all, part, "parts").wait();
    EXPECT_TRUE(all.equal(torch::tensor({0.F, 0.F, 1.F, 1.F, 2.F, 2.F})));
    at::Tensor scattered = torch::zeros({2});
    comm->reduce_scatter(scattered, all, ReduceOp::sum, "scatter").wait();
    EXPECT_TRUE(scattered.equal(torch::full({2}, 3.F * static_cast<float>(comm->rank()))));
    EXPECT_EQ(all_gather_text(*comm, "abc").size(), 3u);
    wait_for_all(*comm, "end");
    const auto pair = comm->split(comm->rank() < 2 ? 0 : -1, 0);
    EXPECT_EQ(pair == nullptr, comm->rank() == 2);
    if (pair) {
      EXPECT_EQ(sum(*pair, 1, "pair"), 2);
    }

    const auto snapshot = recorder.snapshot();
    std::vector<std::string> names;
    for (const CollectiveReport& note : snapshot.collectives) {
      names.push_back(note.communicator + ": " + note.kind + " " + note.name);
      EXPECT_EQ(note.state, State::done) << note.name;
    }
    std::vector<std::string> expected = {"world: all-reduce ranks",
                                         "world: all-gather parts",
                                         "world: reduce-scatter scatter",
                                         "world: all-gather lengths of texts",
                                         "world: all-gather texts",
                                         "world: barrier end",
                                         "world: split split"};
    if (pair) expected.push_back("world/split 0 color 0: all-reduce pair");
    EXPECT_EQ(names, expected);
    EXPECT_EQ(snapshot.collectives[0].type, "int64");
    EXPECT_EQ(snapshot.collectives[0].bytes, 8u);
    EXPECT_EQ(snapshot.collectives[1].bytes, 24u);
    EXPECT_EQ(snapshot.collectives[4].bytes, 9u);
  });
}

TEST(RecordingCommunicator, NotesRefusedAndFailedCollectives) {
  std::atomic<int> refused{0};
  EXPECT_THROW(run_in_process(2,
                              [&](Communicator& inner) {
                                ActivityBoard activity;
                                FlightRecorder recorder(activity);
                                const auto comm = make_recording_communicator(
                                    inner.split(0, inner.rank()), recorder, "world");
                                try {
                                  (void)comm->all_reduce(torch::zeros({2, 2}).t().slice(0, 0, 1),
                                                         ReduceOp::sum, "with gaps");
                                } catch (const InternalError&) {
                                  ++refused;
                                }
                                at::Tensor buffer = torch::zeros({2 + comm->rank()});
                                try {
                                  comm->all_reduce(buffer, ReduceOp::sum, "unequal").wait();
                                } catch (const CommError&) {
                                  const auto notes = recorder.snapshot().collectives;
                                  EXPECT_EQ(notes.at(0).state, State::failed);
                                  test::expect_contains(notes.at(0).error, "gaps");
                                  EXPECT_EQ(notes.at(1).state, State::failed);
                                  test::expect_contains(notes.at(1).error, "unequal");
                                  throw;
                                }
                              }),
               CommError);
  EXPECT_EQ(refused, 2);
}

/// A reader beside ranks that issue: for the thread sanitizer.
TEST(RecordingCommunicator, IsReadWhileItIsWritten) {
  run_in_process(3, [](Communicator& inner) {
    ActivityBoard activity;
    FlightRecorder recorder(activity);
    const auto comm = make_recording_communicator(inner.split(0, inner.rank()), recorder, "world");
    std::atomic<bool> stop{false};
    std::thread reader([&] {
      while (!stop) {
        (void)recorder.progress();
        (void)recorder.snapshot();
        (void)activity.snapshot();
      }
    });
    for (int i = 0; i < 200; ++i) {
      const PhaseScope phase(&activity, Phase::exchange);
      EXPECT_EQ(sum(*comm, i, "number"), 3 * i);
      activity.finish_step(i);
    }
    stop = true;
    reader.join();
  });
}

}  // namespace
}  // namespace dusk
