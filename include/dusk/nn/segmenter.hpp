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
#include <vector>

#include "dusk/nn/batch_norm_mode.hpp"
#include "dusk/nn/daformer_head.hpp"
#include "dusk/nn/deeplab_v2.hpp"
#include "dusk/nn/hrda.hpp"
#include "dusk/nn/mix_transformer.hpp"
#include "dusk/nn/panoptic_fpn.hpp"
#include "dusk/nn/pspnet.hpp"
#include "dusk/nn/refinenet.hpp"
#include "dusk/nn/segformer_head.hpp"
#include "dusk/nn/weights.hpp"

namespace dusk {

class Communicator;
class Random;

/// What is built above the backbone, and in which form the backbone is. A new one is an entry here,
/// a section of options below and a line in segmenter.cpp.
enum class Architecture { panoptic_fpn, deeplab_v2, pspnet, refinenet, daformer, hrda };

constexpr std::array<std::pair<std::string_view, Architecture>, 6> names_of(Architecture) {
  return {{{"panoptic_fpn", Architecture::panoptic_fpn},
           {"deeplab_v2", Architecture::deeplab_v2},
           {"pspnet", Architecture::pspnet},
           {"refinenet", Architecture::refinenet},
           {"daformer", Architecture::daformer},
           {"hrda", Architecture::hrda}}};
}

enum class BackboneKind {
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  mobilenet_v2,
  mit_b0,
  mit_b1,
  mit_b2,
  mit_b3,
  mit_b4,
  mit_b5
};

constexpr std::array<std::pair<std::string_view, BackboneKind>, 11> names_of(BackboneKind) {
  return {{{"resnet18", BackboneKind::resnet18},
           {"resnet34", BackboneKind::resnet34},
           {"resnet50", BackboneKind::resnet50},
           {"resnet101", BackboneKind::resnet101},
           {"mobilenet_v2", BackboneKind::mobilenet_v2},
           {"mit_b0", BackboneKind::mit_b0},
           {"mit_b1", BackboneKind::mit_b1},
           {"mit_b2", BackboneKind::mit_b2},
           {"mit_b3", BackboneKind::mit_b3},
           {"mit_b4", BackboneKind::mit_b4},
           {"mit_b5", BackboneKind::mit_b5}}};
}

struct SegmenterOptions {
  Architecture architecture = Architecture::panoptic_fpn;
  BackboneKind backbone = BackboneKind::mobilenet_v2;
  std::filesystem::path weights = {};     ///< of the backbone, for `read_weights`; empty: random
  std::filesystem::path pretrained = {};  ///< of the whole network, likewise; empty: none
  PanopticFpnOptions panoptic_fpn = {};
  DeepLabV2Options deeplab_v2 = {};
  PspNetOptions pspnet = {};
  RefineNetOptions refinenet = {};
  MixTransformerOptions mix_transformer = {};  ///< the variant is the backbone's
  DaformerHeadOptions daformer_head = {};
  SegformerHeadOptions scale_attention = {};
  BatchNormMode bn_mode = BatchNormMode::automatic;
  bool channels_last = true;
};

template <class Visitor>
void describe(Visitor& v, SegmenterOptions& o) {
  v.field("architecture", o.architecture,
          "the network; deeplab_v2 and pspnet need the backbone resnet50 or resnet101, hrda sees "
          "pictures twice and needs sides that 8 divides");
  v.field("backbone", o.backbone, "network below the head");
  v.field("weights", o.weights,
          "file (.safetensors or .pth) of backbone weights with published names (torchvision's; "
          "OpenMMLab's for deeplab_v2 of form openmmlab); empty: random");
  v.field(
      "pretrained", o.pretrained,
      "file (.safetensors or .pth) of the whole network, published or ours, loaded last; empty: "
      "none");
  v.section("panoptic_fpn", o.panoptic_fpn, "neck and semantic head");
  v.section("deeplab_v2", o.deeplab_v2, "form and head of DeepLab-v2");
  v.section("pspnet", o.pspnet, "heads of PSPNet");
  v.section("refinenet", o.refinenet, "decoder of RefineNet");
  v.section("mix_transformer", o.mix_transformer, "the backbones mit_b0 to mit_b5");
  v.section("daformer_head", o.daformer_head, "head of daformer and hrda");
  v.section("scale_attention", o.scale_attention, "attention of hrda between context and detail");
  v.field(
      "bn_mode", o.bn_mode,
      "batch norm: train (statistics of a rank's samples), sync (of all ranks' samples), frozen "
      "(fixed affine function), or auto (sync when the global batch is at least 4, else frozen)");
  v.field("channels_last", o.channels_last, "memory layout NHWC inside the network (faster)");
}

/// What the backbone makes of pictures, for the heads.
struct Encoding {
  /// Its levels, finest first, before any dropout. Rows are samples; of hrda first the samples'
  /// contexts, then the samples in each of `boxes`.
  std::vector<at::Tensor> levels;
  /// Of hrda: the detail crop of a training step, or all over the picture. Else empty.
  std::vector<CropBox> boxes;

  /// The coarsest level of the samples (of hrda: of their contexts), (N, C, h, w).
  [[nodiscard]] at::Tensor features() const;
};

/// Everything that one forward pass of a segmenter gives.
struct Segmentation {
  at::Tensor logits;     ///< as `Segmenter::low_res_logits`
  at::Tensor auxiliary;  ///< logits (N, classes, h', w') of the auxiliary head; undefined: none
  at::Tensor detail;     ///< logits (N, classes, H/8, W/8) of hrda's detail crop; undefined: none
  std::vector<at::Tensor> features;  ///< levels of the backbone, finest first, before any dropout
};

/// A network from pictures to class scores. `backbone.*` is the backbone; what the others are
/// called is the architecture's: `neck.*` and `head.*`, `layer6.*`, `clf_conv.*`, ...
///
/// Pictures are (N, 3, H, W), normalised RGB.
class Segmenter : public torch::nn::Module {
 public:
  /// Logits (N, classes, h, w), with h about H / 8 (deeplab_v2, pspnet) or H / 4 (the others). The
  /// loss may resize them itself. The auxiliary head does not run: its batch norms do not move.
  virtual at::Tensor low_res_logits(const at::Tensor& images) = 0;
  /// With the auxiliary head and the backbone's levels; `detail` as in `encode`.
  Segmentation segment(const at::Tensor& images,
                       const std::optional<CropBox>& detail = std::nullopt) {
    return decode(encode(images, detail));
  }
  /// The backbone's levels alone; of hrda, those of the context.
  virtual std::vector<at::Tensor> features(const at::Tensor& images) = 0;

  /// The two halves of `segment`. Heads may be given copies of the levels, so that a backward pass
  /// ends there. `detail`: the crop in which hrda sees all samples of a training step; without,
  /// detail is everywhere. The other architectures have none and do not look at it.
  virtual Encoding encode(const at::Tensor& images, const std::optional<CropBox>& detail) = 0;
  virtual Segmentation decode(const Encoding& encoding) = 0;
  /// Draws hrda's detail crop for pictures of this size; nothing of the other architectures.
  [[nodiscard]] virtual std::optional<CropBox> draw_detail(std::int64_t height, std::int64_t width,
                                                           Random& random) const;
  /// Logits (N, classes, H, W): `resize_logits` of the low resolution.
  at::Tensor forward(const at::Tensor& images);

  [[nodiscard]] virtual std::int64_t classes() const = 0;
  /// What the auxiliary head's loss is multiplied by in supervised training. 0: there is no head,
  /// and `low_res_logits` is all that training needs.
  [[nodiscard]] virtual double auxiliary_weight() const = 0;
  [[nodiscard]] virtual Backbone& backbone() = 0;

  /// As `make_segmenter` says of `weights` and `pretrained`.
  void load_backbone(const std::filesystem::path& path);
  void load_pretrained(const std::filesystem::path& path);
  /// What was loaded into the backbone, and into the whole network, if anything; for the log.
  [[nodiscard]] const std::optional<LoadReport>& backbone_weights() const {
    return backbone_weights_;
  }
  [[nodiscard]] const std::optional<LoadReport>& pretrained_weights() const {
    return pretrained_weights_;
  }

 private:
  std::optional<LoadReport> backbone_weights_;
  std::optional<LoadReport> pretrained_weights_;
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
  /// False where the weights come from a checkpoint or another rank: no file is touched.
  bool load_weights = true;
};

/// The chosen architecture on the chosen backbone, on the CPU, in train mode. A pair that does not
/// exist is a `ConfigError`, and so are weights of another network, with a list of names and
/// shapes.
///  * `weights`: as `Backbone::load_policy` says.
///  * `pretrained`: names as ours, or without `backbone.`, as the authors publish them; `fc.*` is
///    left out, and what the file lacks keeps its value (DANNet, A.2.4).
std::shared_ptr<Segmenter> make_segmenter(const SegmenterOptions& options, std::int64_t classes,
                                          const SegmenterBuild& build = {});

}  // namespace dusk
