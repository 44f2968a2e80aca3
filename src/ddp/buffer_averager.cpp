#include "dusk/ddp/buffer_averager.hpp"

#include <torch/nn/module.h>
#include <torch/types.h>

#include "dusk/comm/communicator.hpp"

namespace dusk {

BufferAverager::BufferAverager(torch::nn::Module& module, Communicator& communicator,
                               std::string name)
    : communicator_(communicator), name_(std::move(name)) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> buffers;
  std::int64_t elements = 0;
  for (const at::Tensor& buffer : module.buffers()) {
    if (!buffer.is_floating_point()) continue;
    buffers.push_back(buffer);
    elements += buffer.numel();
  }
  if (elements == 0) return;
  flat_ = torch::empty({elements}, buffers.front().options());
  std::int64_t offset = 0;
  for (at::Tensor& buffer : buffers) {
    const at::Tensor view = flat_.narrow(0, offset, buffer.numel()).view(buffer.sizes());
    view.copy_(buffer);
    buffer.set_data(view);
    offset += buffer.numel();
  }
  before_ = flat_.clone();
}

void BufferAverager::remember() {
  const at::NoGradGuard no_grad;
  if (flat_.defined()) before_.copy_(flat_);
}

void BufferAverager::average() {
  const at::NoGradGuard no_grad;
  if (!flat_.defined() || communicator_.size() == 1) return;
  const at::Tensor change = flat_ - before_;
  communicator_.all_reduce(change, ReduceOp::mean, "buffers of " + name_).wait();
  at::add_out(flat_, before_, change);
}

void BufferAverager::restore() {
  const at::NoGradGuard no_grad;
  if (flat_.defined()) flat_.copy_(before_);
}

}  // namespace dusk
