#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

#include "dusk/base/range.hpp"
#include "dusk/nn/segmenter.hpp"
#include "dusk/optim/optimizer.hpp"

namespace dusk {

/// How a score becomes an adversarial loss: least squares, or binary cross entropy of its sigmoid
/// with the generator's in the non-saturating form.
enum class GanKind { lsgan, nsgan };

constexpr std::array<std::pair<std::string_view, GanKind>, 2> names_of(GanKind) {
  return {{{"lsgan", GanKind::lsgan}, {"nsgan", GanKind::nsgan}}};
}

/// What UNIT minimises. The defaults are the thesis's weights on the scale of the re-release; the
/// paper's own are ten times as large, which Adam hardly sees.
struct UnitLossOptions {
  GanKind gan = GanKind::lsgan;
  double adversarial = 1;
  double reconstruction = 10;
  double kl = 0.01;
  double cycle = 10;
  double cycle_kl = 0.01;
  bool kl_direct_double = false;
};

template <class Visitor>
void describe(Visitor& v, UnitLossOptions& o) {
  v.field("gan", o.gan, "lsgan (least squares) or nsgan (cross entropy, non-saturating)");
  v.field("adversarial", o.adversarial, "weight of the discriminators' opinion", non_negative);
  v.field("reconstruction", o.reconstruction, "weight of |decoded - picture|", non_negative);
  v.field("kl", o.kl, "weight of the mean square of the latents", non_negative);
  v.field("cycle", o.cycle, "weight of |translated there and back - picture|", non_negative);
  v.field("cycle_kl", o.cycle_kl, "weight of the mean square of the latents of translations",
          non_negative);
  v.field("kl_direct_double", o.kl_direct_double,
          "the latents' own term weighs kl + cycle_kl, as the printed objective has it");
}

struct CycleGanLossOptions {
  double cycle = 10;
  double identity = 5;
};

template <class Visitor>
void describe(Visitor& v, CycleGanLossOptions& o) {
  v.field("cycle", o.cycle, "weight of |translated there and back - picture|", non_negative);
  v.field("identity", o.identity,
          "weight of |translation of a picture of the domain itself - picture|; 0 saves two "
          "forward passes",
          non_negative);
}

enum class PerceptualNetwork { vgg16, encoder };

constexpr std::array<std::pair<std::string_view, PerceptualNetwork>, 2> names_of(
    PerceptualNetwork) {
  return {{{"vgg16", PerceptualNetwork::vgg16}, {"encoder", PerceptualNetwork::encoder}}};
}

enum class VggSource { caffe, torchvision };

constexpr std::array<std::pair<std::string_view, VggSource>, 2> names_of(VggSource) {
  return {{{"caffe", VggSource::caffe}, {"torchvision", VggSource::torchvision}}};
}

/// A term that keeps a translation's content: the distance of its features from its source's.
struct PerceptualOptions {
  double weight = 0;
  PerceptualNetwork network = PerceptualNetwork::vgg16;
  std::filesystem::path weights = {};
  VggSource vgg_source = VggSource::caffe;
  BackboneKind encoder = BackboneKind::mobilenet_v2;
  std::int64_t level = 1;
};

template <class Visitor>
void describe(Visitor& v, PerceptualOptions& o) {
  v.field("weight", o.weight, "weight of the term, 0: none", non_negative);
  v.field("network", o.network,
          "whose features are compared: vgg16 (relu5_3, as published) or encoder");
  v.field(
      "weights", o.weights,
      "file (.safetensors or .pth) of the network; a whole segmenter's will do for its encoder. "
      "Empty: the term is off, and the log says so");
  v.field("vgg_source", o.vgg_source, "what the weights of vgg16 were trained with");
  v.field("encoder", o.encoder, "the backbone, where the network is an encoder");
  v.field("level", o.level, "level of the encoder's pyramid, 0: the finest", non_negative);
}

/// How the methods unit and cyclegan train their networks.
struct TranslatorOptions {
  UnitLossOptions unit_loss;
  CycleGanLossOptions cyclegan_loss;
  PerceptualOptions perceptual;
  OptimOptions generator_optim = adam();
  OptimOptions discriminator_optim = adam();
  std::int64_t pool = 50;
  bool channels_last = true;
  std::int64_t sheet_every = 0;
  std::int64_t sheet_pictures = 2;

  /// UNIT's: Adam of 1e-4 with betas 0.5 and 0.999 and weight decay in the gradient.
  static OptimOptions adam() {
    OptimOptions options;
    options.kind = OptimizerKind::adam;
    options.lr = 1e-4;
    options.weight_decay = 1e-4;
    options.adamw.beta1 = 0.5;
    options.schedule.kind = ScheduleKind::constant;
    return options;
  }
};

template <class Visitor>
void describe(Visitor& v, TranslatorOptions& o) {
  v.section("unit_loss", o.unit_loss, "weights of method unit's terms");
  v.section("cyclegan_loss", o.cyclegan_loss, "weights of method cyclegan's terms");
  v.section("perceptual", o.perceptual, "method unit: keeps the content by features");
  v.section("generator_optim", o.generator_optim, "optimizer of the generators, together");
  v.section("discriminator_optim", o.discriminator_optim,
            "optimizer of the discriminators, together");
  v.field("pool", o.pool,
          "method cyclegan: translations of each domain that the discriminator is shown again, 0: "
          "none",
          non_negative);
  v.field("channels_last", o.channels_last, "memory layout NHWC inside the networks");
  v.field("sheet_every", o.sheet_every, "steps between two sheets of samples, 0: none",
          non_negative);
  v.field("sheet_pictures", o.sheet_pictures, "samples of each domain on a sheet", at_least(1));
}

}  // namespace dusk
