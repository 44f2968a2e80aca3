#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "dusk/nn/batch_norm_mode.hpp"
#include "dusk/nn/panoptic_fpn.hpp"
#include "dusk/nn/weights.hpp"

namespace dusk {

class Communicator;

enum class BackboneKind { resnet18, resnet34, resnet50, resnet101, mobilenet_v2 };

constexpr std::array<std::pair<std::string_view, BackboneKind>, 5> names_of(BackboneKind) {
  return {{{"resnet18", BackboneKind::resnet18},
           {"resnet34", BackboneKind::resnet34},
           {"resnet50", BackboneKind::resnet50},
           {"resnet101", BackboneKind::resnet101},
           {"mobilenet_v2", BackboneKind::mobilenet_v2}}};
}

struct SegmenterOptions {
  BackboneKind backbone = BackboneKind::mobilenet_v2;
  std::filesystem::path weights;  ///< for `read_weights`, torchvision's names; empty: random
  PanopticFpnOptions panoptic_fpn;
  BatchNormMode bn_mode = BatchNormMode::automatic;
  bool channels_last = true;
};

template <class Visitor>
void describe(Visitor& v, SegmenterOptions& o) {
  v.field("backbone", o.backbone, "network below the head");
  v.field(
      "weights", o.weights,
      "file of backbone weights with torchvision's names (.safetensors or .pth); empty: random");
  v.section("panoptic_fpn", o.panoptic_fpn, "neck and semantic head");
  v.field(
      "bn_mode", o.bn_mode,
      "batch norm: train (statistics of a rank's samples), sync (of all ranks' samples), frozen "
      "(fixed affine function), or auto (sync when the global batch is at least 4, else frozen)");
  v.field("channels_last", o.channels_last, "memory layout NHWC inside the network (faster)");
}

/// A network from pictures to class scores: `backbone.*`, `neck.*`, `head.*`.
class Segmenter : public torch::nn::Module {
 public:
  /// images (N, 3, H, W), normalised RGB; returns logits (N, classes, ceil(H/4), ceil(W/4)). The
  /// loss may resize them itself; `forward` is this and `resize_logits`.
  virtual at::Tensor low_res_logits(const at::Tensor& images) = 0;
  /// Logits (N, classes, H, W).
  at::Tensor forward(const at::Tensor& images);
  [[nodiscard]] virtual std::int64_t classes() const = 0;
  /// What was loaded into the backbone, if anything; for the log.
  [[nodiscard]] virtual const std::optional<LoadReport>& backbone_weights() const = 0;
};

/// Bilinear, align_corners = false, to (N, K, height, width): the network's last step.
at::Tensor resize_logits(const at::Tensor& logits, std::int64_t height, std::int64_t width);

/// What the network must know of the run and the configuration does not say.
struct SegmenterBuild {
  std::uint64_t seed = 0;  ///< of the initialisation
  /// Samples of one step over all ranks, for bn_mode `auto`. 0: not for training; `auto` is train.
  std::int64_t samples_per_step = 0;
  /// The ranks that bn_mode `sync` takes statistics over, as `set_batch_norm_mode` wants it.
  Communicator* ranks = nullptr;
  /// False where the weights come from a checkpoint or another rank: the file is not touched.
  bool load_weights = true;
};

/// Panoptic FPN on the chosen backbone, on the CPU, in train mode. Weights of another network are a
/// `ConfigError` that lists names and shapes; the classifier's (`fc.*`, `classifier.*`,
/// `features.18.*`) are left out.
std::shared_ptr<Segmenter> make_segmenter(const SegmenterOptions& options, std::int64_t classes,
                                          const SegmenterBuild& build = {});

}  // namespace dusk
