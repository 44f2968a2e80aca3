#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "comm/host_transport.hpp"
#include "comm/operation_queue.hpp"
#include "dusk/comm/communicator.hpp"

namespace dusk::comm {

/// Collectives of CPU tensors over any transport: checks the arguments at the call, then queues the
/// operation for the communicator's own thread, so that it runs beside the caller's work.
class HostCommunicator final : public Communicator {
 public:
  /// `on_failure` is told when the communicator closes because something failed.
  HostCommunicator(std::unique_ptr<HostTransport> transport, std::function<void()> on_failure);
  ~HostCommunicator() override;

  [[nodiscard]] int rank() const override { return transport_->place().rank; }
  [[nodiscard]] int size() const override { return transport_->place().size; }
  [[nodiscard]] std::string description() const override { return transport_->description(); }

  [[nodiscard]] Work all_reduce(at::Tensor buffer, ReduceOp op, OpName name) override;
  [[nodiscard]] Work reduce_scatter(at::Tensor output, at::Tensor input, ReduceOp op,
                                    OpName name) override;
  [[nodiscard]] Work all_gather(at::Tensor output, at::Tensor input, OpName name) override;
  [[nodiscard]] Work all_gather_unequal(std::vector<at::Tensor> outputs, at::Tensor input,
                                        OpName name) override;
  [[nodiscard]] Work broadcast(at::Tensor buffer, int root, OpName name) override;
  [[nodiscard]] Work barrier(OpName name) override;
  [[nodiscard]] std::unique_ptr<Communicator> split(int color, int key) override;
  void abort(std::string_view reason) noexcept override;

 private:
  Work submit(Operation operation, std::function<void(const Operation&)> run);
  Work gather(const std::vector<at::Tensor>& outputs, const at::Tensor& input, OpName name);

  std::unique_ptr<HostTransport> transport_;
  std::function<void()> on_failure_;
  OperationQueue queue_;  ///< last: its thread uses the others
};

}  // namespace dusk::comm
