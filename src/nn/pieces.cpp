#include "nn/pieces.hpp"

#include <torch/types.h>

#include <algorithm>

#include "nn/cpu/fused_norm.hpp"
#include "nn/sync_norm.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kCpuBytes = std::int64_t{16} << 20;
constexpr std::int64_t kGpuBytes = std::int64_t{512} << 20;

ChannelStatistics statistics_of(const at::Tensor& x) {
  if (!cpu::can_fuse(x)) return channel_statistics(x);
  const cpu::Moments found = cpu::moments(x, {.blocks = 1, .groups = x.size(1)});
  return {found.mean[0].to(at::kDouble), found.variance[0].to(at::kDouble),
          at::full({1}, found.population, at::kDouble)};
}

}  // namespace

std::vector<Piece> pieces_of(const at::Tensor& batch, std::int64_t values) {
  const std::int64_t samples = batch.size(0);
  const std::int64_t bytes = values * static_cast<std::int64_t>(batch.element_size());
  const std::int64_t limit = batch.is_cuda() ? kGpuBytes : kCpuBytes;
  const std::int64_t at_once = std::max<std::int64_t>(limit / std::max<std::int64_t>(bytes, 1), 1);
  std::vector<Piece> pieces;
  for (std::int64_t first = 0; first == 0 || first < samples; first += at_once) {
    pieces.push_back({.first = first, .count = std::min(at_once, samples - first)});
  }
  return pieces;
}

ConvNormPieces::ConvNormPieces(ConvNorm& layer) : layer_(layer) {}

at::Tensor ConvNormPieces::convolve(const at::Tensor& x) {
  at::Tensor y = layer_.conv().forward(x);
  if (!layer_.norm().is_affine()) seen_.push_back(statistics_of(y));
  return y;
}

void ConvNormPieces::settle() {
  BatchNorm2d& norm = layer_.norm();
  statistics_ = norm.is_affine() ? norm.running() : norm.observe(seen_);
  seen_.clear();
}

at::Tensor ConvNormPieces::finish(const at::Tensor& convolved) const {
  return batch_norm_by(statistics_, convolved, layer_.norm(), layer_.activation());
}

at::Tensor ConvNormPieces::forward(const at::Tensor& x) const {
  return conv_norm_by(statistics_, x, layer_.conv(), layer_.norm(), layer_.activation());
}

}  // namespace dusk
