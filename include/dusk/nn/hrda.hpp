#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "dusk/nn/backbone.hpp"
#include "dusk/nn/daformer_head.hpp"
#include "dusk/nn/decoder.hpp"
#include "dusk/nn/mix_transformer.hpp"
#include "dusk/nn/segformer_head.hpp"

/// Hoyer et al., "HRDA: Context-Aware High-Resolution Domain-Adaptive Semantic Segmentation"
/// (2022): a picture of half the size for context, a crop of the full size for detail, and learnt
/// attention that mixes the two. The picture (N, 3, H, W) has sides that 8 divides; context and
/// detail are H/2 x W/2 both; logits are at stride 4 of what they show.
namespace dusk {

class Random;

/// A rectangle of pixels.
struct CropBox {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;

  friend bool operator==(const CropBox&, const CropBox&) = default;
};

/// The same rectangle on a map `factor` times smaller; edges are rounded down.
[[nodiscard]] CropBox at_stride(const CropBox& box, std::int64_t factor);

/// A detail crop for training. Offsets are multiples of 8, uniform over the first
/// (margin + 1) / 8 of them as published: the last possible one is never drawn.
[[nodiscard]] CropBox draw_detail_box(std::int64_t height, std::int64_t width, Random& random);

/// The detail crops of a whole picture: half of them overlaps the next, row by row.
[[nodiscard]] std::vector<CropBox> detail_windows(std::int64_t height, std::int64_t width);

/// Equation 7 with the context's share inside the crop only: outside it attention counts as 0.
/// `context` (N, K, h, w) of the picture at half size, `attention` (N, K, h, w) in [0, 1], `detail`
/// (N, K, box.height / 4, box.width / 4); returns (N, K, 2 h, 2 w).
at::Tensor fuse_detail(const at::Tensor& context, const at::Tensor& attention,
                       const at::Tensor& detail, const CropBox& box);

/// The same with crops all over the picture, (boxes * N, K, ., .), the first box's N samples first;
/// where they overlap their mean counts. `InternalError` where they leave a pixel out.
at::Tensor fuse_windows(const at::Tensor& context, const at::Tensor& attention,
                        const at::Tensor& details, const std::vector<CropBox>& boxes);

/// Widths of `make_hrda`.
struct HrdaOptions {
  MixTransformerOptions backbone = {};
  DaformerHeadOptions head = {};
  SegformerHeadOptions scale_attention = {};
};

/// `backbone.*`, `head.*` and `hrda_scale_attention.*` (one attention a class).
class Hrda : public torch::nn::Module {
 public:
  struct Prediction {
    at::Tensor fused;                          ///< logits (N, K, H/4, W/4)
    at::Tensor detail;                         ///< of the one detail crop, (N, K, H/8, W/8)
    std::vector<at::Tensor> context_features;  ///< the backbone's levels of the context
    std::vector<at::Tensor> detail_features;   ///< of the one detail crop
  };

  Hrda(std::shared_ptr<Backbone> backbone, std::shared_ptr<Decoder> head,
       std::shared_ptr<Decoder> scale_attention);

  /// One step of training: a detail crop for all samples. A pure function of parameters, arguments
  /// and draws. For `set_draws` context and detail are two views of each sample. Both go through
  /// the backbone, and then through the head, as one batch (one set of batch statistics).
  Prediction forward_crop(const at::Tensor& images, const CropBox& detail) {
    return decode(encode(images, {detail}), {detail});
  }

  /// Test and teacher: detail everywhere, in `detail_windows`, all of them and the context as one
  /// batch. What is of one detail crop stays undefined and empty.
  Prediction forward_windows(const at::Tensor& images) {
    const auto boxes = detail_windows(images.size(2), images.size(3));
    return decode(encode(images, boxes), boxes);
  }

  /// The backbone's half of both: levels whose rows are the samples' contexts, then the samples in
  /// each box. One box is a detail crop for training, several are all over the picture.
  /// `InternalError` unless each is half of the picture, inside it, and a single one at multiples
  /// of 8.
  std::vector<at::Tensor> encode(const at::Tensor& images, const std::vector<CropBox>& boxes);
  /// The heads' half, of levels with such rows.
  Prediction decode(const std::vector<at::Tensor>& levels, const std::vector<CropBox>& boxes);

  /// Levels of the context alone, for losses on features.
  std::vector<at::Tensor> context_features(const at::Tensor& images);

 private:
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<Decoder> head_;
  std::shared_ptr<Decoder> scale_attention_;
};

/// MiT, DAFormer head, SegFormer head as scale attention; 85,685,990 parameters with MiT-B5 and 19
/// classes.
std::shared_ptr<Hrda> make_hrda(const HrdaOptions& options, std::int64_t classes,
                                std::uint64_t seed = 0);

}  // namespace dusk
