#pragma once

#include <ATen/record_function.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

/// Counts what a forward pass costs, from torch's own record of its operators.
namespace dusk::test {

struct MultiplyAdds {
  std::int64_t convolutions = 0;  ///< that a convolution needs; biases not counted
  /// By the counter of the published tables (THOP): a transposed convolution as if it ran at its
  /// output's resolution, four for every value that a batch norm makes.
  std::int64_t published = 0;
};

namespace internal {

inline MultiplyAdds& running_count() {
  thread_local MultiplyAdds count;
  return count;
}

inline void add_convolution(at::ArrayRef<const c10::IValue> inputs, const at::Tensor& output) {
  const at::Tensor& x = inputs[0].toTensor();
  const at::Tensor& weight = inputs[1].toTensor();
  const std::int64_t taps = weight.size(2) * weight.size(3);
  const bool is_transposed = inputs[6].toBool();
  MultiplyAdds& count = running_count();
  if (is_transposed) {  // weight (in, out, h, w)
    count.convolutions += x.numel() * weight.size(1) * taps;
    count.published += output.numel() * weight.size(0) * taps;
  } else {  // weight (out, in, h, w)
    count.convolutions += output.numel() * weight.size(1) * taps;
    count.published += output.numel() * weight.size(1) * taps;
  }
}

inline void add_operator(const at::RecordFunction& call, at::ObserverContext* /*context*/) {
  const std::string_view name = call.name();
  const auto outputs = call.outputs();
  if (name == "aten::convolution") add_convolution(call.inputs(), outputs[0].toTensor());
  if (name == "aten::batch_norm") running_count().published += 4 * outputs[0].toTensor().numel();
}

}  // namespace internal

/// Of `forward` on this thread. Our own kernels make no record: give tensors and networks that are
/// not channels-last, and batch norms in train mode.
inline MultiplyAdds count_multiply_adds(const std::function<void()>& forward) {
  internal::running_count() = {};
  const auto start = [](const at::RecordFunction&) -> std::unique_ptr<at::ObserverContext> {
    return nullptr;
  };
  const auto handle =
      at::addThreadLocalCallback(at::RecordFunctionCallback(start, &internal::add_operator)
                                     .needsInputs(true)
                                     .needsOutputs(true)
                                     .scopes({at::RecordScope::FUNCTION}));
  forward();
  at::removeCallback(handle);
  return internal::running_count();
}

}  // namespace dusk::test
