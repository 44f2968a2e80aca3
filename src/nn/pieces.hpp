#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "nn/mmseg_parts.hpp"

/// Networks without gradients keep no activation for later, so that a large batch may go through
/// them in pieces of whole samples: memory then depends on the piece. HRDA's teacher sees 40 views
/// of 512 x 512 at once, of which a single activation would take 2.5 GiB.
namespace dusk {

/// Consecutive samples of a batch.
struct Piece {
  std::int64_t first = 0;
  std::int64_t count = 0;

  /// These rows along `dim`; undefined stays so.
  [[nodiscard]] at::Tensor of(const at::Tensor& batch, std::int64_t dim = 0) const {
    return batch.defined() ? batch.narrow(dim, first, count) : batch;
  }
};

/// A batch like `batch` (N, ...) in pieces whose largest activation, of `values` numbers a sample,
/// stays below a limit (larger on a GPU, which must be kept busy), with one sample at least. One
/// piece, without samples, for N = 0.
[[nodiscard]] std::vector<Piece> pieces_of(const at::Tensor& batch, std::int64_t values);

/// `ConvNorm` without gradients on a batch that comes in pieces, up to rounding the same as on the
/// whole batch, running statistics included. In train mode the norm wants to have seen all pieces
/// first: `convolve` each, `settle`, then `finish` each result; or `forward` the pieces again,
/// where convolving costs less than keeping.
class ConvNormPieces {
 public:
  /// `layer` outlives this.
  explicit ConvNormPieces(ConvNorm& layer);
  /// The convolution; the norm takes notice of it where it needs to.
  at::Tensor convolve(const at::Tensor& x);
  /// After the last piece. Collective where the norm's statistics are of all ranks.
  void settle();
  [[nodiscard]] at::Tensor finish(const at::Tensor& convolved) const;
  [[nodiscard]] at::Tensor forward(const at::Tensor& x) const;

 private:
  ConvNorm& layer_;
  std::vector<ChannelStatistics> seen_;
  NormStatistics statistics_;
};

}  // namespace dusk
