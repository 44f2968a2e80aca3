#include "comm/host_communicator.hpp"

#include <fmt/format.h>

#include "comm/arguments.hpp"
#include "dusk/base/error.hpp"

namespace dusk::comm {

HostCommunicator::HostCommunicator(std::unique_ptr<HostTransport> transport,
                                   std::function<void()> on_failure)
    : transport_(std::move(transport)),
      on_failure_(std::move(on_failure)),
      queue_(
          transport_->place(), [this] { transport_->enter_thread(); },
          [this](const std::string& message) {
            transport_->fail(message);
            on_failure_();
          }) {}

HostCommunicator::~HostCommunicator() {
  const std::string pending = queue_.pending();
  if (!pending.empty())
    abort(fmt::format("it closed its communicator before {} was done", pending));
}

void HostCommunicator::abort(std::string_view reason) noexcept {
  transport_->fail(fmt::format("{}: {}", to_string(transport_->place()), reason));
  on_failure_();
}

Work HostCommunicator::submit(Operation operation, std::function<void(const Operation&)> run) {
  return queue_.submit(std::move(operation), [this, run = std::move(run)](const Operation& queued) {
    if (const auto reason = transport_->failure()) {
      fail<CommError>("{}: {} was not started: {}", to_string(transport_->place()),
                      queued.describe(), *reason);
    }
    run(queued);
  });
}

Work HostCommunicator::all_reduce(at::Tensor buffer, ReduceOp op, OpName name) {
  Operation operation = elementwise(Kind::all_reduce, std::move(name), buffer, c10::kCPU);
  operation.reduce = op;
  check_reduction(operation);
  return submit(std::move(operation), [this, buffer](const Operation& queued) {
    transport_->all_reduce(bytes_of(buffer), queued);
  });
}

Work HostCommunicator::reduce_scatter(at::Tensor output, at::Tensor input, ReduceOp op,
                                      OpName name) {
  Operation operation = scattering(std::move(name), output, input, size(), c10::kCPU);
  operation.reduce = op;
  check_reduction(operation);
  return submit(std::move(operation), [this, output, input](const Operation& queued) {
    transport_->reduce_scatter(bytes_of(output), bytes_of(input), queued);
  });
}

Work HostCommunicator::all_gather(at::Tensor output, at::Tensor input, OpName name) {
  const auto parts = parts_of(output, size(), name);
  return gather(parts, input, std::move(name));
}

Work HostCommunicator::all_gather_unequal(std::vector<at::Tensor> outputs, at::Tensor input,
                                          OpName name) {
  return gather(outputs, input, std::move(name));
}

Work HostCommunicator::gather(const std::vector<at::Tensor>& outputs, const at::Tensor& input,
                              OpName name) {
  Operation operation = gathering(std::move(name), outputs, input, rank(), size(), c10::kCPU);
  return submit(std::move(operation), [this, outputs, input](const Operation& queued) {
    std::vector<std::span<std::byte>> targets;
    for (const at::Tensor& output : outputs) targets.push_back(bytes_of(output));
    transport_->all_gather(targets, bytes_of(input), queued);
  });
}

Work HostCommunicator::broadcast(at::Tensor buffer, int root, OpName name) {
  Operation operation = elementwise(Kind::broadcast, std::move(name), buffer, c10::kCPU);
  operation.root = root;
  check_root(operation, size());
  return submit(std::move(operation), [this, buffer](const Operation& queued) {
    transport_->broadcast(bytes_of(buffer), queued);
  });
}

Work HostCommunicator::barrier(OpName name) {
  return submit({.kind = Kind::barrier, .name = std::move(name), .layout = {}},
                [this](const Operation& queued) { transport_->barrier(queued); });
}

std::unique_ptr<Communicator> HostCommunicator::split(int color, int key) {
  std::unique_ptr<HostTransport> part;
  submit({.kind = Kind::split, .name = "split", .layout = {}}, [this, color, key,
                                                                &part](const Operation& queued) {
    part = transport_->split(color, key, queued);
  }).wait();
  if (!part) return nullptr;
  return std::make_unique<HostCommunicator>(std::move(part), on_failure_);
}

}  // namespace dusk::comm
