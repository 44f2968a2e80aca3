#include "dusk/nn/hrda.hpp"

#include <torch/types.h>

#include <algorithm>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"
#include "dusk/nn/sliding_window.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kLogitStride = 4;                   // of context and detail alike
constexpr std::int64_t kPictureStride = 2 * kLogitStride;  // of the context's logits in the picture

void require_sides(std::int64_t height, std::int64_t width) {
  if (height > 0 && width > 0 && height % kPictureStride == 0 && width % kPictureStride == 0) {
    return;
  }
  fail<ConfigError>("HRDA needs pictures whose sides {} divides, got {} x {}", kPictureStride,
                    height, width);
}

at::Tensor resized(const at::Tensor& x, std::int64_t height, std::int64_t width) {
  return at::upsample_bilinear2d(x, {height, width}, /*align_corners=*/false);
}

at::Tensor doubled(const at::Tensor& x) {
  return resized(x, 2 * x.size(2), 2 * x.size(3));
}

at::Tensor context_of(const at::Tensor& images) {
  require_sides(images.size(2), images.size(3));
  return resized(images, images.size(2) / 2, images.size(3) / 2);
}

at::Tensor cropped(const at::Tensor& x, const CropBox& box) {
  return x.narrow(2, box.top, box.height).narrow(3, box.left, box.width);
}

/// Zeros of height x width with `patch` at the box's corner.
at::Tensor inserted(const at::Tensor& patch, const CropBox& box, std::int64_t height,
                    std::int64_t width) {
  return at::constant_pad_nd(patch, {box.left, width - box.left - patch.size(3), box.top,
                                     height - box.top - patch.size(2)});
}

at::Tensor fuse(const at::Tensor& context, const at::Tensor& attention, const at::Tensor& detail) {
  return doubled(attention) * detail + doubled((1 - attention) * context);
}

void require_inside(const CropBox& box, const at::Tensor& context, const at::Tensor& images,
                    bool on_grid) {
  const bool fits = box.height == context.size(2) && box.width == context.size(3) && box.top >= 0 &&
                    box.left >= 0 && box.top + box.height <= images.size(2) &&
                    box.left + box.width <= images.size(3);
  if (fits && !(on_grid && (box.top % kPictureStride != 0 || box.left % kPictureStride != 0)))
    return;
  fail<InternalError>("detail crop of {} x {} at ({}, {}) in a picture of {} x {}", box.height,
                      box.width, box.top, box.left, images.size(2), images.size(3));
}

std::vector<at::Tensor> rows_of(const std::vector<at::Tensor>& levels, std::int64_t first,
                                std::int64_t count) {
  std::vector<at::Tensor> rows;
  for (const at::Tensor& level : levels) rows.push_back(level.narrow(0, first, count));
  return rows;
}

/// Mean of overlapping windows, which together cover height x width.
at::Tensor mean_of_windows(const at::Tensor& details, const std::vector<CropBox>& boxes,
                           std::int64_t height, std::int64_t width) {
  const std::int64_t samples = details.size(0) / static_cast<std::int64_t>(boxes.size());
  const auto type = at::promote_types(details.scalar_type(), at::kFloat);
  at::Tensor sum =
      at::zeros({samples, details.size(1), height, width}, details.options().dtype(type));
  at::Tensor count = at::zeros({1, 1, height, width}, at::kFloat);
  std::int64_t first = 0;
  for (const CropBox& box : boxes) {
    const CropBox place = at_stride(box, kLogitStride);
    cropped(sum, place).add_(details.narrow(0, first, samples));
    cropped(count, place).add_(1);
    first += samples;
  }
  if (count.min().item<float>() < 1) fail<InternalError>("HRDA's windows leave pixels out");
  return sum / count.to(sum.options());
}

}  // namespace

CropBox at_stride(const CropBox& box, std::int64_t factor) {
  const CropBox corner{.top = box.top / factor, .left = box.left / factor};
  return {.top = corner.top,
          .left = corner.left,
          .height = (box.top + box.height) / factor - corner.top,
          .width = (box.left + box.width) / factor - corner.left};
}

CropBox draw_detail_box(std::int64_t height, std::int64_t width, Random& random) {
  require_sides(height, width);
  CropBox box{.height = height / 2, .width = width / 2};
  const auto draw = [&random](std::int64_t margin) {
    const std::int64_t places = std::max<std::int64_t>((margin + 1) / kPictureStride, 1);
    return kPictureStride * random.integer(0, places - 1);
  };
  box.top = draw(height - box.height);
  box.left = draw(width - box.width);
  return box;
}

std::vector<CropBox> detail_windows(std::int64_t height, std::int64_t width) {
  require_sides(height, width);
  const std::int64_t crop_height = height / 2;
  const std::int64_t crop_width = width / 2;
  std::vector<CropBox> boxes;
  for (const std::int64_t top : window_starts(height, crop_height, crop_height / 2)) {
    for (const std::int64_t left : window_starts(width, crop_width, crop_width / 2)) {
      boxes.push_back({.top = top, .left = left, .height = crop_height, .width = crop_width});
    }
  }
  return boxes;
}

at::Tensor fuse_detail(const at::Tensor& context, const at::Tensor& attention,
                       const at::Tensor& detail, const CropBox& box) {
  const std::int64_t height = context.size(2);
  const std::int64_t width = context.size(3);
  const CropBox inside = at_stride(box, kPictureStride);
  const at::Tensor masked = inserted(cropped(attention, inside), inside, height, width);
  return fuse(context, masked,
              inserted(detail, at_stride(box, kLogitStride), 2 * height, 2 * width));
}

at::Tensor fuse_windows(const at::Tensor& context, const at::Tensor& attention,
                        const at::Tensor& details, const std::vector<CropBox>& boxes) {
  return fuse(context, attention,
              mean_of_windows(details, boxes, 2 * context.size(2), 2 * context.size(3)));
}

Hrda::Hrda(std::shared_ptr<Backbone> backbone, std::shared_ptr<Decoder> head,
           std::shared_ptr<Decoder> scale_attention)
    : backbone_(register_module("backbone", std::move(backbone))),
      head_(register_module("head", std::move(head))),
      scale_attention_(register_module("hrda_scale_attention", std::move(scale_attention))) {}

std::vector<at::Tensor> Hrda::encode(const at::Tensor& images, const std::vector<CropBox>& boxes) {
  std::vector<at::Tensor> views{context_of(images)};
  for (const CropBox& box : boxes) {
    require_inside(box, views.front(), images, /*on_grid=*/boxes.size() == 1);
    views.push_back(cropped(images, box));
  }
  return backbone_->features(at::cat(views));
}

Hrda::Prediction Hrda::decode(const std::vector<at::Tensor>& levels,
                              const std::vector<CropBox>& boxes) {
  const std::int64_t samples =
      levels.front().size(0) / (1 + static_cast<std::int64_t>(boxes.size()));
  const std::int64_t details = levels.front().size(0) - samples;
  Prediction out;
  out.context_features = rows_of(levels, 0, samples);
  const at::Tensor attention = at::sigmoid(scale_attention_->forward(out.context_features));
  const at::Tensor logits = head_->forward(levels);
  const at::Tensor context_logits = logits.narrow(0, 0, samples);
  const at::Tensor detail_logits = logits.narrow(0, samples, details);
  if (boxes.size() > 1) {
    out.fused = fuse_windows(context_logits, attention, detail_logits, boxes);
    return out;
  }
  out.fused = fuse_detail(context_logits, attention, detail_logits, boxes.front());
  out.detail = detail_logits;
  out.detail_features = rows_of(levels, samples, samples);
  return out;
}

std::vector<at::Tensor> Hrda::context_features(const at::Tensor& images) {
  return backbone_->features(context_of(images));
}

std::shared_ptr<Hrda> make_hrda(const HrdaOptions& options, std::int64_t classes,
                                std::uint64_t seed) {
  auto backbone = make_mix_transformer(options.backbone, seed);
  const PyramidInfo pyramid = backbone->pyramid();
  return std::make_shared<Hrda>(
      std::move(backbone), make_daformer_head(options.head, pyramid, classes, seed),
      make_segformer_head(options.scale_attention, pyramid, classes, seed));
}

}  // namespace dusk
