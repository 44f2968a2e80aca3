#include "dusk/comm/comparing_communicator.hpp"

#include <utility>

#include "comm/arguments.hpp"
#include "comm/operation.hpp"

namespace dusk {
namespace {

using comm::Kind;
using comm::Operation;

class ComparingCommunicator final : public Communicator {
 public:
  ComparingCommunicator(std::unique_ptr<Communicator> inner, std::unique_ptr<Communicator> channel)
      : inner_(std::move(inner)), channel_(std::move(channel)) {}

  [[nodiscard]] int rank() const override { return inner_->rank(); }
  [[nodiscard]] int size() const override { return inner_->size(); }
  [[nodiscard]] std::string description() const override {
    return inner_->description() + ", collectives compared";
  }

  [[nodiscard]] Work all_reduce(at::Tensor buffer, ReduceOp op, OpName name) override {
    Operation operation = comm::elementwise(Kind::all_reduce, name, buffer, buffer.device().type());
    operation.reduce = op;
    compare(operation);
    return inner_->all_reduce(std::move(buffer), op, std::move(name));
  }
  [[nodiscard]] Work reduce_scatter(at::Tensor output, at::Tensor input, ReduceOp op,
                                    OpName name) override {
    Operation operation = comm::scattering(name, output, input, size(), input.device().type());
    operation.reduce = op;
    compare(operation);
    return inner_->reduce_scatter(std::move(output), std::move(input), op, std::move(name));
  }
  [[nodiscard]] Work all_gather(at::Tensor output, at::Tensor input, OpName name) override {
    compare(comm::gathering(name, comm::parts_of(output, size(), name), input, rank(), size(),
                            input.device().type()));
    return inner_->all_gather(std::move(output), std::move(input), std::move(name));
  }
  [[nodiscard]] Work all_gather_unequal(std::vector<at::Tensor> outputs, at::Tensor input,
                                        OpName name) override {
    compare(comm::gathering(name, outputs, input, rank(), size(), input.device().type()));
    return inner_->all_gather_unequal(std::move(outputs), std::move(input), std::move(name));
  }
  [[nodiscard]] Work broadcast(at::Tensor buffer, int root, OpName name) override {
    Operation operation = comm::elementwise(Kind::broadcast, name, buffer, buffer.device().type());
    operation.root = root;
    compare(operation);
    return inner_->broadcast(std::move(buffer), root, std::move(name));
  }
  [[nodiscard]] Work barrier(OpName name) override {
    compare({.kind = Kind::barrier, .name = name, .layout = {}});
    return inner_->barrier(std::move(name));
  }

  [[nodiscard]] std::unique_ptr<Communicator> split(int color, int key) override {
    auto part = inner_->split(color, key);
    auto channel = channel_->split(color, key);
    if (!part) return nullptr;
    return std::make_unique<ComparingCommunicator>(std::move(part), std::move(channel));
  }
  void abort(std::string_view reason) noexcept override {
    inner_->abort(reason);
    channel_->abort(reason);
  }

 private:
  /// A host communicator compares the names of what it is asked for: here the name is everything.
  void compare(const Operation& operation) {
    channel_->barrier(OpName(operation.signature(), operation.name.where)).wait();
  }

  std::unique_ptr<Communicator> inner_;
  std::unique_ptr<Communicator> channel_;
};

}  // namespace

std::unique_ptr<Communicator> make_comparing_communicator(std::unique_ptr<Communicator> inner,
                                                          Communicator& control) {
  auto channel = control.split(0, control.rank());
  return std::make_unique<ComparingCommunicator>(std::move(inner), std::move(channel));
}

}  // namespace dusk
