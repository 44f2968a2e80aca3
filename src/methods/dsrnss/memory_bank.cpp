#include "methods/dsrnss/memory_bank.hpp"

#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>

#include "dusk/base/error.hpp"

namespace dusk {

MemoryBank::MemoryBank(Options options, const at::Device& device)
    : options_(std::move(options)),
      images_(
          at::zeros({options_.capacity, options_.global_batch, 3, options_.height, options_.width},
                    at::TensorOptions().dtype(at::kFloat).device(device))),
      labels_(at::zeros({options_.capacity, options_.global_batch, options_.height, options_.width},
                        images_.options().dtype(at::kByte))),
      mask_(at::zeros_like(labels_, labels_.options().dtype(at::kBool))) {}

void MemoryBank::push(const at::Tensor& images, const at::Tensor& labels,
                      const std::vector<std::int64_t>& long_tail) {
  if (options_.capacity == 0) return;
  if (!images.sizes().equals(images_.sizes().slice(1)) ||
      !labels.sizes().equals(labels_.sizes().slice(1))) {
    fail<InternalError>("the bank '{}' was made for batches of {} and gets {}", options_.name,
                        fmt::join(images_.sizes().slice(1), "x"), fmt::join(images.sizes(), "x"));
  }
  const at::NoGradGuard no_grad;
  const std::vector<std::vector<std::int64_t>> kept(static_cast<std::size_t>(images.size(0)),
                                                    long_tail);
  const at::Tensor mask = class_mask(labels, kept);
  mask_[next_].copy_(mask);
  labels_[next_].copy_(labels.masked_fill(mask.logical_not(), 0));
  images_[next_].copy_(images.masked_fill(mask.logical_not().unsqueeze(1), 0));
  next_ = (next_ + 1) % options_.capacity;
  filled_ = std::min(filled_ + 1, options_.capacity);
}

void MemoryBank::paste(Mixed& mixed, std::int64_t first_row) const {
  if (filled_ == 0) return;
  const std::int64_t rows = mixed.images.size(0);
  if (first_row < 0 || first_row + rows > options_.global_batch ||
      !mixed.images.sizes().slice(1).equals(images_.sizes().slice(2))) {
    fail<InternalError>("the bank '{}' of batches of {} pasted over {} from row {}", options_.name,
                        fmt::join(images_.sizes().slice(1), "x"),
                        fmt::join(mixed.images.sizes(), "x"), first_row);
  }
  const at::NoGradGuard no_grad;
  const std::int64_t oldest = filled_ < options_.capacity ? 0 : next_;
  for (std::int64_t i = 0; i < filled_; ++i) {
    const std::int64_t entry = (oldest + i) % options_.capacity;
    const auto own = [&](const at::Tensor& all) { return all[entry].narrow(0, first_row, rows); };
    const at::Tensor mask = own(mask_);
    mixed.images = at::where(mask.unsqueeze(1), own(images_), mixed.images);
    mixed.labels = at::where(mask, own(labels_).to(mixed.labels.scalar_type()), mixed.labels);
    if (options_.weight_one) mixed.weights = mixed.weights.masked_fill(mask, 1);
  }
}

void MemoryBank::visit(StateVisitor& visitor) {
  if (options_.capacity == 0) return;
  visitor.tensors(options_.name, {{"images", images_, /*is_parameter=*/false},
                                  {"labels", labels_, /*is_parameter=*/false},
                                  {"mask", mask_, /*is_parameter=*/false}});
  visitor.integer(options_.name + ".filled", filled_);
  visitor.integer(options_.name + ".next", next_);
}

}  // namespace dusk
