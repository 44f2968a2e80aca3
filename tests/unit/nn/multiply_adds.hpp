#pragma once

#include <ATen/record_function.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

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

/// What is known of a convolution before it runs; its inputs are gone afterwards.
struct Convolution : at::ObserverContext {
  std::int64_t inputs = 0;      ///< elements
  std::int64_t per_input = 0;   ///< multiply-adds of an input of a transposed convolution
  std::int64_t per_output = 0;  ///< of an output, with all taps
  bool is_transposed = false;
};

inline std::unique_ptr<at::ObserverContext> before(const at::RecordFunction& call) {
  if (std::string_view(call.name()) != "aten::convolution") return nullptr;
  const auto inputs = call.inputs();
  const at::Tensor& weight = inputs[1].toTensor();
  const std::int64_t taps = weight.size(2) * weight.size(3);
  auto convolution = std::make_unique<Convolution>();
  convolution->inputs = inputs[0].toTensor().numel();
  convolution->is_transposed = inputs[6].toBool();
  // A weight is (out, in, h, w); of a transposed convolution (in, out, h, w).
  convolution->per_input = weight.size(1) * taps;
  convolution->per_output = weight.size(convolution->is_transposed ? 0 : 1) * taps;
  return convolution;
}

inline void after(const at::RecordFunction& call, at::ObserverContext* context) {
  MultiplyAdds& count = running_count();
  if (std::string_view(call.name()) == "aten::batch_norm") {
    count.published += 4 * call.outputs()[0].toTensor().numel();
  }
  const auto* convolution = static_cast<const Convolution*>(context);
  if (convolution == nullptr) return;
  const std::int64_t at_outputs = call.outputs()[0].toTensor().numel() * convolution->per_output;
  count.published += at_outputs;
  count.convolutions +=
      convolution->is_transposed ? convolution->inputs * convolution->per_input : at_outputs;
}

}  // namespace internal

/// Of `forward` on this thread. Our own kernels make no record: give tensors and networks that are
/// not channels-last, and batch norms in train mode.
inline MultiplyAdds count_multiply_adds(const std::function<void()>& forward) {
  internal::running_count() = {};
  const auto handle =
      at::addThreadLocalCallback(at::RecordFunctionCallback(&internal::before, &internal::after)
                                     .needsInputs(true)
                                     .needsOutputs(true)
                                     .scopes({at::RecordScope::FUNCTION}));
  forward();
  at::removeCallback(handle);
  return internal::running_count();
}

}  // namespace dusk::test
