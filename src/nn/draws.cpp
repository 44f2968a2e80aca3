#include "dusk/nn/draws.hpp"

#include <ATen/Context.h>
#include <torch/types.h>

#include <algorithm>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"

namespace dusk {

at::Tensor draw_normals(const DrawKey& key, const at::Tensor& like) {
  const std::int64_t rows = like.size(0);
  if (key.positions.size() != static_cast<std::size_t>(rows)) {
    fail<InternalError>("normal numbers for {} rows of {} samples", rows, key.positions.size());
  }
  at::Tensor flat = at::empty({rows, like.numel() / std::max<std::int64_t>(rows, 1)},
                              like.options().dtype(at::kFloat));
  at::Generator generator = at::globalContext().defaultGenerator(like.device()).clone();
  for (std::int64_t row = 0; row < rows; ++row) {
    generator.set_current_seed(
        Random(key.seed, {key.pass, key.positions[static_cast<std::size_t>(row)]}).next());
    flat[row].normal_(0, 1, generator);
  }
  flat = flat.to(like.scalar_type());
  const bool channels_last = like.dim() == 4 && like.is_contiguous(at::MemoryFormat::ChannelsLast);
  if (!channels_last) return flat.view(like.sizes());
  return flat.view({rows, like.size(2), like.size(3), like.size(1)}).permute({0, 3, 1, 2});
}

}  // namespace dusk
