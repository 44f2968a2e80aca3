#include <fmt/format.h>

#include <utility>

#include "comm/operation.hpp"
#include "dusk/comm/flight_recorder.hpp"

namespace dusk {
namespace {

using comm::Kind;

/// A work that tells the recorder what its waiters see.
class RecordedWork final : public WorkState {
 public:
  RecordedWork(Work inner, FlightRecorder& recorder, FlightRecorder::Id id)
      : inner_(std::move(inner)), recorder_(recorder), id_(id) {}

  void wait() override {
    recorder_.wait(id_);
    watched([&] { inner_.wait(); });
    recorder_.finish(id_, nullptr);
  }
  /// On a GPU the stream waits and the operation may still be under way.
  void wait_stream() override {
    recorder_.wait(id_);
    watched([&] { inner_.wait_stream(); });
  }
  [[nodiscard]] bool done() const override { return inner_.done(); }

 private:
  template <class Call>
  void watched(const Call& call) {
    try {
      call();
    } catch (...) {
      recorder_.finish(id_, std::current_exception());
      throw;
    }
  }

  Work inner_;
  FlightRecorder& recorder_;
  FlightRecorder::Id id_;
};

class RecordingCommunicator final : public Communicator {
 public:
  RecordingCommunicator(std::unique_ptr<Communicator> inner, FlightRecorder& recorder,
                        std::string name)
      : inner_(std::move(inner)),
        recorder_(recorder),
        name_(std::move(name)),
        channel_(recorder.add_communicator(name_, inner_->rank(), inner_->size())) {}
  ~RecordingCommunicator() override { recorder_.close_communicator(channel_); }

  [[nodiscard]] int rank() const override { return inner_->rank(); }
  [[nodiscard]] int size() const override { return inner_->size(); }
  [[nodiscard]] std::string description() const override { return inner_->description(); }

  [[nodiscard]] Work all_reduce(at::Tensor buffer, ReduceOp op, OpName name) override {
    const auto id = note(Kind::all_reduce, buffer, name);
    return issued(id, [&] { return inner_->all_reduce(buffer, op, std::move(name)); });
  }
  [[nodiscard]] Work reduce_scatter(at::Tensor output, at::Tensor input, ReduceOp op,
                                    OpName name) override {
    const auto id = note(Kind::reduce_scatter, input, name);
    return issued(id, [&] { return inner_->reduce_scatter(output, input, op, std::move(name)); });
  }
  [[nodiscard]] Work all_gather(at::Tensor output, at::Tensor input, OpName name) override {
    const auto id = note(Kind::all_gather, output, name);
    return issued(id, [&] { return inner_->all_gather(output, input, std::move(name)); });
  }
  [[nodiscard]] Work all_gather_unequal(std::vector<at::Tensor> outputs, at::Tensor input,
                                        OpName name) override {
    std::size_t bytes = 0;
    for (const at::Tensor& output : outputs) bytes += output.defined() ? output.nbytes() : 0;
    const auto id = recorder_.issue(channel_, comm::to_string(Kind::all_gather), name, Bytes{bytes},
                                    input.defined() ? comm::type_name(input.scalar_type()) : "");
    return issued(
        id, [&] { return inner_->all_gather_unequal(std::move(outputs), input, std::move(name)); });
  }
  [[nodiscard]] Work broadcast(at::Tensor buffer, int root, OpName name) override {
    const auto id = note(Kind::broadcast, buffer, name);
    return issued(id, [&] { return inner_->broadcast(buffer, root, std::move(name)); });
  }
  [[nodiscard]] Work barrier(OpName name) override {
    const auto id = note(Kind::barrier, {}, name);
    return issued(id, [&] { return inner_->barrier(std::move(name)); });
  }

  [[nodiscard]] std::unique_ptr<Communicator> split(int color, int key) override {
    const auto id = note(Kind::split, {}, "split");
    recorder_.wait(id);
    std::unique_ptr<Communicator> part;
    try {
      part = inner_->split(color, key);
    } catch (...) {
      recorder_.finish(id, std::current_exception());
      throw;
    }
    recorder_.finish(id, nullptr);
    const int number = splits_++;
    if (!part) return nullptr;
    return make_recording_communicator(std::move(part), recorder_,
                                       fmt::format("{}/split {} color {}", name_, number, color));
  }

  void abort(std::string_view reason) noexcept override { inner_->abort(reason); }

 private:
  [[nodiscard]] FlightRecorder::Id note(Kind kind, const at::Tensor& tensor, const OpName& name) {
    const bool some = tensor.defined();
    return recorder_.issue(channel_, comm::to_string(kind), name, Bytes{some ? tensor.nbytes() : 0},
                           some ? comm::type_name(tensor.scalar_type()) : std::string_view());
  }

  /// Noted before it is issued: a library may already wait for the other ranks in the call.
  template <class Call>
  [[nodiscard]] Work issued(FlightRecorder::Id id, const Call& call) {
    try {
      Work work = call();
      recorder_.attach(id, work);
      return Work(std::make_shared<RecordedWork>(std::move(work), recorder_, id));
    } catch (...) {
      recorder_.finish(id, std::current_exception());
      throw;
    }
  }

  std::unique_ptr<Communicator> inner_;
  FlightRecorder& recorder_;
  std::string name_;
  std::size_t channel_;
  int splits_ = 0;
};

}  // namespace

std::unique_ptr<Communicator> make_recording_communicator(std::unique_ptr<Communicator> inner,
                                                          FlightRecorder& recorder,
                                                          std::string name) {
  return std::make_unique<RecordingCommunicator>(std::move(inner), recorder, std::move(name));
}

}  // namespace dusk
