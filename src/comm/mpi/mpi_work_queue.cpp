#include <mpi.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <thread>

#include "comm/mpi/mpi_check.hpp"
#include "comm/mpi/mpi_group.hpp"
#include "comm/mpi/mpi_state.hpp"
#include "comm/quiet_thread.hpp"
#include "dusk/base/error.hpp"
#include "dusk/comm/work_queue.hpp"

namespace dusk {
namespace {

using comm::check_mpi;
using comm::MpiGroup;

constexpr int kAskTag = 1;
constexpr int kAnswerTag = 2;
constexpr std::int64_t kNothing = -1;
/// Between two looks for messages. A piece of work takes much longer.
constexpr std::chrono::microseconds kNap{200};

auto doing(const char* what) {
  return [what] { return std::string("MPI, queue of work: ") + what; };
}

/// Waits for a request without keeping a core busy; false where `stop` was set before it was done.
bool wait(MPI_Request& request, MPI_Status& status, const std::atomic<bool>* stop) {
  for (;;) {
    int done = 0;
    check_mpi(MPI_Test(&request, &done, &status), doing("waiting"));
    if (done != 0) return true;
    if (stop != nullptr && stop->load()) return false;
    std::this_thread::sleep_for(kNap);
  }
}

/// Rank 0: its numbers, and a thread that hands them to the others.
class CountingQueue final : public WorkQueue {
 public:
  CountingQueue(MpiGroup group, std::shared_ptr<MpiRuntime::State> state, std::int64_t count)
      : registration_(std::move(state)),
        group_(std::move(group)),
        numbers_(make_local_work_queue(count)),
        exceptions_(std::uncaught_exceptions()),
        server_(comm::start_quiet_thread("dusk-queue", [this] { serve(); })) {}

  ~CountingQueue() override {
    const bool unwinding = std::uncaught_exceptions() > exceptions_;
    if (unwinding) stop_ = true;
    server_.join();
    if (unwinding || failed_) group_.abandon();
  }

  std::optional<std::int64_t> next() override {
    if (failed_) fail<CommError>("the thread that hands out work to the other ranks has failed");
    return numbers_->next();
  }

 private:
  void serve() noexcept {
    try {
      answer_all();
    } catch (const std::exception&) {
      failed_ = true;  // the ranks that wait are ended with the launch
      registration_.state().failed = true;
    }
  }

  /// Until every other rank was told that nothing is left.
  void answer_all() {
    for (int waiting = group_.size() - 1; waiting > 0;) {
      char question = 0;
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Status status;
      check_mpi(MPI_Irecv(&question, 1, MPI_CHAR, MPI_ANY_SOURCE, kAskTag, group_.get(), &request),
                doing("listening"));
      if (!wait(request, status, &stop_)) {
        MPI_Cancel(&request);
        MPI_Wait(&request, MPI_STATUS_IGNORE);
        return;
      }
      const std::int64_t number = numbers_->next().value_or(kNothing);
      if (number == kNothing) --waiting;
      check_mpi(MPI_Send(&number, 1, MPI_INT64_T, status.MPI_SOURCE, kAnswerTag, group_.get()),
                doing("answering"));
    }
  }

  Registration registration_;
  MpiGroup group_;
  std::unique_ptr<WorkQueue> numbers_;
  int exceptions_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::thread server_;  ///< last: uses the others
};

/// The other ranks.
class AskingQueue final : public WorkQueue {
 public:
  AskingQueue(MpiGroup group, std::shared_ptr<MpiRuntime::State> state)
      : registration_(std::move(state)),
        group_(std::move(group)),
        exceptions_(std::uncaught_exceptions()) {}
  ~AskingQueue() override {
    if (std::uncaught_exceptions() > exceptions_) group_.abandon();
  }

  std::optional<std::int64_t> next() override {
    if (is_empty_) return std::nullopt;
    const char question = 0;
    std::int64_t number = kNothing;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Status status;
    check_mpi(MPI_Irecv(&number, 1, MPI_INT64_T, 0, kAnswerTag, group_.get(), &request),
              doing("asking"));
    check_mpi(MPI_Send(&question, 1, MPI_CHAR, 0, kAskTag, group_.get()), doing("asking"));
    wait(request, status, nullptr);
    is_empty_ = number == kNothing;
    if (is_empty_) return std::nullopt;
    return number;
  }

 private:
  Registration registration_;
  MpiGroup group_;
  int exceptions_;
  bool is_empty_ = false;
};

}  // namespace

std::unique_ptr<WorkQueue> make_mpi_work_queue(MpiRuntime& runtime, std::int64_t count) {
  if (runtime.launch().size == 1) return make_local_work_queue(count);
  MpiGroup group = MpiGroup::copy_of(MPI_COMM_WORLD);
  const std::int64_t least = group.least(count);
  if (least < 0 || -group.least(-count) != least) {
    fail<InternalError>("rank {} makes a queue of {} pieces of work, another rank one of {}",
                        runtime.launch().rank, count, least);
  }
  if (group.rank() == 0)
    return std::make_unique<CountingQueue>(std::move(group), runtime.state(), count);
  return std::make_unique<AskingQueue>(std::move(group), runtime.state());
}

}  // namespace dusk
