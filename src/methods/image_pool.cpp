#include "methods/image_pool.hpp"

#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"

namespace dusk {

ImagePool::ImagePool(Options options, const at::Device& device)
    : options_(std::move(options)),
      pictures_(at::zeros({options_.capacity, 3, options_.height, options_.width},
                          at::TensorOptions().dtype(at::kFloat).device(device))) {}

at::Tensor ImagePool::exchange(const at::Tensor& pictures, std::uint64_t first_position) {
  if (options_.capacity == 0) return pictures;
  if (pictures.dim() != 4 || !pictures.sizes().slice(1).equals(pictures_.sizes().slice(1))) {
    fail<InternalError>("the pool '{}' was made for pictures of {}x{}", options_.name,
                        options_.height, options_.width);
  }
  const at::NoGradGuard no_grad;
  at::Tensor shown = pictures.clone();
  for (std::int64_t i = 0; i < pictures.size(0); ++i) {
    if (filled_ < options_.capacity) {
      pictures_[filled_++].copy_(pictures[i]);
      continue;
    }
    Random random(options_.seed, {first_position + static_cast<std::uint64_t>(i)});
    if (!random.chance(0.5)) continue;
    const std::int64_t place = random.integer(0, options_.capacity - 1);
    shown[i].copy_(pictures_[place]);
    pictures_[place].copy_(pictures[i]);
  }
  return shown;
}

void ImagePool::visit(StateVisitor& visitor) {
  if (options_.capacity == 0) return;
  visitor.tensors(options_.name, {{"pictures", pictures_, /*is_parameter=*/false}});
  visitor.integer(options_.name + ".filled", filled_);
}

}  // namespace dusk
