#include "nn/cpu/pointwise_conv.hpp"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <optional>

#include "dusk/base/error.hpp"
#include "nn/cpu/fused_norm.hpp"

namespace dusk::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// (N * H * W, C) over the memory of a channels-last activation.
at::Tensor rows_of(const at::Tensor& x) {
  return x.permute({0, 2, 3, 1}).view({-1, x.size(1)});
}

at::Tensor empty_like_with(const at::Tensor& x, std::int64_t channels) {
  return at::empty({x.size(0), channels, x.size(2), x.size(3)},
                   x.options().memory_format(at::MemoryFormat::ChannelsLast));
}

/// A function of our own, not `linear` on a view: operators in place on its result would have to
/// copy through the view.
class PointwiseConv : public torch::autograd::Function<PointwiseConv> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias) {
    const at::Tensor matrix = weight.view({weight.size(0), weight.size(1)});
    at::Tensor y = empty_like_with(x, weight.size(0));
    at::Tensor rows = rows_of(y);
    if (bias) {
      at::addmm_out(rows, *bias, rows_of(x), matrix.t());
    } else {
      at::mm_out(rows, rows_of(x), matrix.t());
    }
    ctx->save_for_backward({x, weight});
    ctx->saved_data["has_bias"] = bias.has_value();
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    if (at::GradMode::is_enabled()) {
      fail<InternalError>("the 1x1 convolution has no second derivative");
    }
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor dy = rows_of(gradients[0].contiguous(at::MemoryFormat::ChannelsLast));
    at::Tensor dx, d_weight, d_bias;
    if (ctx->needs_input_grad(0)) {
      dx = empty_like_with(x, x.size(1));
      at::Tensor rows = rows_of(dx);
      at::mm_out(rows, dy, weight.view({weight.size(0), weight.size(1)}));
    }
    if (ctx->needs_input_grad(1)) d_weight = at::mm(dy.t(), rows_of(x)).view(weight.sizes());
    if (ctx->saved_data["has_bias"].toBool() && ctx->needs_input_grad(2)) d_bias = dy.sum(0);
    return {dx, d_weight, d_bias};
  }
};

}  // namespace

bool can_multiply(const at::Tensor& x) {
  return can_fuse(x) && !at::autocast::is_autocast_enabled(at::kCPU);
}

at::Tensor pointwise_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return PointwiseConv::apply(x, weight,
                              bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
}

}  // namespace dusk::cpu
