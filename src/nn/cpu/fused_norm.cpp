#include "nn/cpu/fused_norm.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "dusk/base/error.hpp"

namespace dusk::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// A channels-last activation cut into blocks of rows, and those into chunks of fixed size: the
/// unit of work, whose partial sums are added in order.
struct Layout {
  Layout(const at::Tensor& x, NormShape shape)
      : blocks(shape.blocks),
        groups(shape.groups),
        deviation(shape.deviation),
        channels(x.size(1)),
        rows(x.size(0) * x.size(2) * x.size(3) / shape.blocks),
        chunk(std::clamp<std::int64_t>(kChunkElements / channels, 8, kChunkRows)),
        chunks((rows + chunk - 1) / chunk) {}

  /// body(block, chunk in block, first element, rows) on all threads.
  template <class Body>
  void for_chunks(const Body& body) const {
    at::parallel_for(0, blocks * chunks, 4, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        const std::int64_t block = i / chunks;
        const std::int64_t row = (i % chunks) * chunk;
        body(block, i % chunks, (block * rows + row) * channels,
             Rows{std::min(chunk, rows - row), channels});
      }
    });
  }
  [[nodiscard]] std::int64_t group_size() const { return channels / groups; }
  /// Elements of this rank that share a mean.
  [[nodiscard]] double population() const { return static_cast<double>(rows * group_size()); }

  static constexpr std::int64_t kChunkElements = 16384;
  /// Sums over a chunk are in float: with 256 rows several ranks were up to 1.3e-6 from one (of the
  /// largest gradient, sync_norm_test), with 64 less than 1e-6.
  static constexpr std::int64_t kChunkRows = 64;
  std::int64_t blocks, groups;
  Deviation deviation;
  std::int64_t channels, rows, chunk, chunks;
};

/// Two sums per (block, channel) from those of the chunks, in double.
class ChannelSums {
 public:
  explicit ChannelSums(const Layout& layout)
      : layout_(layout),
        partial_(at::empty({layout.blocks, layout.chunks, 2, layout.channels}, at::kFloat)) {}

  float* first(std::int64_t block, std::int64_t chunk) {
    return partial_.mutable_data_ptr<float>() +
           (block * layout_.chunks + chunk) * 2 * layout_.channels;
  }
  float* second(std::int64_t block, std::int64_t chunk) {
    return first(block, chunk) + layout_.channels;
  }
  /// (2 x channels) sums of a block.
  [[nodiscard]] std::vector<double> total(std::int64_t block) const {
    const std::int64_t count = 2 * layout_.channels;
    std::vector<double> sums(static_cast<std::size_t>(count));
    const float* partial = partial_.const_data_ptr<float>() + block * layout_.chunks * count;
    for (std::int64_t i = 0; i < layout_.chunks; ++i, partial += count) {
      for (std::int64_t c = 0; c < count; ++c) {
        sums[static_cast<std::size_t>(c)] += static_cast<double>(partial[c]);
      }
    }
    return sums;
  }

 private:
  const Layout& layout_;
  at::Tensor partial_;
};

/// 1 / deviation of `population` values, and the factor of -(x - mean) sum(w g (x - mean)) in the
/// gradient.
struct Spread {
  double inverse, tilt;
};

Spread spread_of(float variance, double population, Deviation deviation, double eps) {
  if (deviation == Deviation::biased) {
    const double inverse = 1.0 / std::sqrt(static_cast<double>(variance) + eps);
    return {inverse, inverse * inverse * inverse / population};
  }
  const double root = std::sqrt(static_cast<double>(variance) * population / (population - 1));
  const double inverse = 1.0 / (root + eps);
  // The root has no slope at 0; like torch's std, its gradient is 0 there.
  return {inverse, root == 0 ? 0 : inverse * inverse / (root * (population - 1))};
}

/// (3, blocks, channels): mean, scale and bias of every channel, as the kernels take them.
class Coefficients {
 public:
  Coefficients(const Layout& layout, const at::Tensor& mean, const at::Tensor& variance,
               const at::Tensor& weight, const at::Tensor& bias, double eps)
      : channels_(layout.channels),
        stride_(layout.blocks * layout.channels),
        values_(at::empty({3, layout.blocks, layout.channels}, at::kFloat)) {
    const float* const m = mean.const_data_ptr<float>();
    const float* const v = variance.const_data_ptr<float>();
    const float* const w = weight.const_data_ptr<float>();
    const float* const b = bias.const_data_ptr<float>();
    float* const out = values_.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < stride_; ++i) {
      const std::int64_t c = i % channels_;
      const std::int64_t group = i / channels_ * layout.groups + c / layout.group_size();
      out[i] = m[group];
      const Spread spread = spread_of(v[group], layout.population(), layout.deviation, eps);
      out[stride_ + i] = static_cast<float>(static_cast<double>(w[c]) * spread.inverse);
      out[2 * stride_ + i] = b[c];
    }
  }
  [[nodiscard]] Affine of(std::int64_t block) const {
    const float* const at = values_.const_data_ptr<float>() + block * channels_;
    return {.mean = at, .scale = at + stride_, .bias = at + 2 * stride_};
  }

 private:
  std::int64_t channels_, stride_;
  at::Tensor values_;
};

/// Gradients of weight and bias, and the coefficients of the input's gradient. With g the gradient
/// behind the activation, d the inverse deviation and m the population of a group:
///   dx = d w g - (x - mean) t sum(w g (x - mean)) - d / m sum(w g)
/// where t is `Spread::tilt`, d^3 / m for the biased deviation.
/// Over several ranks the sums and the population of dx are those of all; the gradients of weight
/// and bias are this rank's part.
struct NormGradient {
  NormGradient(const Layout& layout, const ChannelSums& sums, const at::Tensor& variance,
               const at::Tensor& weight, double eps, double elements, const NormRanks* ranks)
      : d_weight(at::zeros({layout.channels}, at::kFloat)),
        d_bias(at::zeros({layout.channels}, at::kFloat)),
        channels(layout.channels),
        stride(layout.blocks * layout.channels),
        population(elements),
        values(at::empty({3, layout.blocks, layout.channels}, at::kFloat)) {
    for (std::int64_t block = 0; block < layout.blocks; ++block) {
      const std::vector<double> own = sums.total(block);
      const std::vector<double> all = ranks != nullptr ? summed(own, *ranks) : own;
      for (std::int64_t group = 0; group < layout.groups; ++group) {
        const float v = variance.const_data_ptr<float>()[block * layout.groups + group];
        add_group(layout, own, all, block, group, spread_of(v, population, layout.deviation, eps),
                  weight.const_data_ptr<float>());
      }
    }
  }

  [[nodiscard]] AffineGradient of(std::int64_t block) const {
    const float* const at = values.const_data_ptr<float>() + block * channels;
    return {.slope = at, .tilt = at + stride, .offset = at + 2 * stride};
  }

  at::Tensor d_weight, d_bias;

 private:
  static std::vector<double> summed(const std::vector<double>& own, const NormRanks& ranks) {
    at::Tensor sums = at::empty({static_cast<std::int64_t>(own.size())}, at::kDouble);
    double* const data = sums.mutable_data_ptr<double>();
    std::ranges::copy(own, data);
    ranks.add_gradient_sums(sums);
    return {data, data + own.size()};
  }

  void add_group(const Layout& layout, const std::vector<double>& own,
                 const std::vector<double>& all, std::int64_t block, std::int64_t group,
                 const Spread& spread, const float* weight) {
    const std::int64_t first = group * layout.group_size();
    const std::int64_t last = first + layout.group_size();
    double weighted_sum = 0;
    double weighted_product = 0;
    for (std::int64_t c = first; c < last; ++c) {
      const auto sum = static_cast<std::size_t>(c);
      const auto product = static_cast<std::size_t>(channels + c);
      d_bias.mutable_data_ptr<float>()[c] += static_cast<float>(own[sum]);
      d_weight.mutable_data_ptr<float>()[c] += static_cast<float>(own[product] * spread.inverse);
      weighted_sum += static_cast<double>(weight[c]) * all[sum];
      weighted_product += static_cast<double>(weight[c]) * all[product];
    }
    const double tilt = -spread.tilt * weighted_product;
    const double offset = -spread.inverse * weighted_sum / population;
    float* const out = values.mutable_data_ptr<float>() + block * channels;
    for (std::int64_t c = first; c < last; ++c) {
      out[c] = static_cast<float>(spread.inverse * static_cast<double>(weight[c]));
      out[stride + c] = static_cast<float>(tilt);
      out[2 * stride + c] = static_cast<float>(offset);
    }
  }

  std::int64_t channels, stride;
  double population;
  at::Tensor values;
};

class Normalize : public torch::autograd::Function<Normalize> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const std::optional<at::Tensor>& residual,
                            const at::Tensor& mean, const at::Tensor& variance, std::int64_t blocks,
                            std::int64_t groups, std::int64_t deviation, double eps, double low,
                            double high, double population, const NormRanksPtr& ranks) {
    const Layout layout(x, {blocks, groups, static_cast<Deviation>(deviation)});
    const Coefficients coefficients(layout, mean, variance, weight, bias, eps);
    const Clamp clamp{static_cast<float>(low), static_cast<float>(high)};
    const float* const in = x.const_data_ptr<float>();
    const float* const add = residual ? residual->const_data_ptr<float>() : nullptr;
    at::Tensor y = at::empty_like(x);
    float* const out = y.mutable_data_ptr<float>();
    layout.for_chunks([&](std::int64_t block, std::int64_t, std::int64_t at, Rows rows) {
      row_kernels().forward(in + at, add != nullptr ? add + at : nullptr, out + at, rows,
                            coefficients.of(block), clamp);
    });
    const bool reads_output = residual.has_value() && std::isfinite(low);
    ctx->save_for_backward({x, weight, bias, mean, variance, reads_output ? y : at::Tensor()});
    ctx->saved_data["blocks"] = blocks;
    ctx->saved_data["groups"] = groups;
    ctx->saved_data["deviation"] = deviation;
    ctx->saved_data["eps"] = eps;
    ctx->saved_data["low"] = low;
    ctx->saved_data["high"] = high;
    ctx->saved_data["has_residual"] = residual.has_value();
    ctx->saved_data["population"] = population;
    if (ranks) ctx->saved_data["ranks"] = at::IValue::make_capsule(ranks);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    if (at::GradMode::is_enabled()) {
      fail<InternalError>("the fused normalisation has no second derivative");
    }
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& output = saved[5];
    const Layout layout(x, {ctx->saved_data["blocks"].toInt(), ctx->saved_data["groups"].toInt(),
                            static_cast<Deviation>(ctx->saved_data["deviation"].toInt())});
    const double eps = ctx->saved_data["eps"].toDouble();
    const Coefficients coefficients(layout, saved[3], saved[4], saved[1], saved[2], eps);
    const Clamp clamp{static_cast<float>(ctx->saved_data["low"].toDouble()),
                      static_cast<float>(ctx->saved_data["high"].toDouble())};
    const bool has_residual = ctx->saved_data["has_residual"].toBool();

    at::Tensor dy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    // Behind a residual the masked gradient is also the residual's: it is written once, then read.
    at::Tensor masked = output.defined() ? at::empty_like(x) : at::Tensor();
    const float* const in = x.const_data_ptr<float>();
    const float* const out = output.defined() ? output.const_data_ptr<float>() : nullptr;
    float* const g = masked.defined() ? masked.mutable_data_ptr<float>() : nullptr;
    ChannelSums sums(layout);
    layout.for_chunks([&](std::int64_t block, std::int64_t chunk, std::int64_t at, Rows rows) {
      row_kernels().gradient_sums(dy.const_data_ptr<float>() + at, in + at,
                                  out != nullptr ? out + at : nullptr,
                                  g != nullptr ? g + at : nullptr, rows, coefficients.of(block),
                                  clamp, sums.first(block, chunk), sums.second(block, chunk));
    });
    if (masked.defined()) dy = masked;
    const bool needs_dx = ctx->needs_input_grad(0);
    const auto held = ctx->saved_data.find("ranks");
    const auto ranks =
        needs_dx && held != ctx->saved_data.end() ? held->second.toCapsule() : nullptr;
    const NormGradient gradient(layout, sums, saved[4], saved[1], eps,
                                ctx->saved_data["population"].toDouble(),
                                static_cast<const NormRanks*>(ranks.get()));
    at::Tensor dx;
    if (needs_dx) {
      dx = at::empty_like(x);
      float* const d = dx.mutable_data_ptr<float>();
      const bool is_masked = masked.defined() || has_residual;
      layout.for_chunks([&](std::int64_t block, std::int64_t, std::int64_t at, Rows rows) {
        row_kernels().gradient(dy.const_data_ptr<float>() + at, in + at, d + at, rows,
                               coefficients.of(block), gradient.of(block), clamp, is_masked);
      });
    }
    return {dx,
            gradient.d_weight,
            gradient.d_bias,
            has_residual ? dy : at::Tensor(),
            {},
            {},
            {},
            {},
            {},
            {},
            {},
            {},
            {},
            {}};
  }
};

}  // namespace

bool can_fuse(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 4 && x.numel() > 0 &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

Moments moments(const at::Tensor& x, NormShape shape, const NormRanks* ranks) {
  const Layout layout(x, shape);
  ChannelSums sums(layout);
  const float* const in = x.const_data_ptr<float>();
  // Sums of squares are taken around a value near the mean (the block's first row): around zero
  // they would lose the variance of channels that lie far from it.
  layout.for_chunks([&](std::int64_t block, std::int64_t chunk, std::int64_t at, Rows rows) {
    row_kernels().moments(in + at, in + block * layout.rows * layout.channels, rows,
                          sums.first(block, chunk), sums.second(block, chunk));
  });
  at::Tensor means = at::empty({layout.blocks, layout.groups}, at::kDouble);
  at::Tensor variances = at::empty({layout.blocks, layout.groups}, at::kDouble);
  for (std::int64_t block = 0; block < layout.blocks; ++block) {
    const std::vector<double> total = sums.total(block);
    const float* const pivot = in + block * layout.rows * layout.channels;
    const auto rows = static_cast<double>(layout.rows);
    for (std::int64_t group = 0; group < layout.groups; ++group) {
      const std::int64_t first = group * layout.group_size();
      double mean = 0;
      for (std::int64_t c = first; c < first + layout.group_size(); ++c) {
        mean += static_cast<double>(pivot[c]) + total[static_cast<std::size_t>(c)] / rows;
      }
      mean /= static_cast<double>(layout.group_size());
      double variance = 0;
      for (std::int64_t c = first; c < first + layout.group_size(); ++c) {
        const double shift = total[static_cast<std::size_t>(c)] / rows;
        const double away = static_cast<double>(pivot[c]) + shift - mean;
        variance += total[static_cast<std::size_t>(layout.channels + c)] / rows - shift * shift +
                    away * away;
      }
      variance /= static_cast<double>(layout.group_size());
      means.mutable_data_ptr<double>()[block * layout.groups + group] = mean;
      variances.mutable_data_ptr<double>()[block * layout.groups + group] =
          variance < 0 ? 0 : variance;  // keeps NaN
    }
  }
  double population = layout.population();
  if (ranks != nullptr) {
    const ChannelStatistics all =
        ranks->combine({means[0], variances[0], at::full({1}, population, at::kDouble)});
    means = all.mean.unsqueeze(0);
    variances = all.variance.unsqueeze(0);
    population = all.count.item<double>();
  }
  return {means.to(at::kFloat), variances.to(at::kFloat), population};
}

at::Tensor normalize(const at::Tensor& x, const Moments& moments, const at::Tensor& weight,
                     const at::Tensor& bias, const at::Tensor& residual, NormShape shape,
                     double eps, Clamp clamp, const NormRanksPtr& ranks) {
  std::optional<at::Tensor> added;
  if (residual.defined()) added = residual.contiguous(at::MemoryFormat::ChannelsLast);
  return Normalize::apply(x, weight, bias, added, moments.mean, moments.variance, shape.blocks,
                          shape.groups, static_cast<std::int64_t>(shape.deviation), eps,
                          static_cast<double>(clamp.low), static_cast<double>(clamp.high),
                          moments.population, ranks);
}

}  // namespace dusk::cpu
