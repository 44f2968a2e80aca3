#include "dusk/nn/uawarpc.hpp"

#include <torch/types.h>

#include <array>
#include <cmath>
#include <string>

#include "dusk/base/error.hpp"
#include "dusk/nn/warp.hpp"
#include "nn/correlation.hpp"
#include "nn/layers.hpp"
#include "nn/mmseg_parts.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kSide256 = 256;
constexpr std::int64_t kGlobalSide = 16;  // of level 4
constexpr std::int64_t kLevel3Side = 32;
constexpr std::int64_t kRadius = 4;  // of the local search
constexpr std::int64_t kSearchSide = 2 * kRadius + 1;
constexpr std::int64_t kFlow = 2;
constexpr std::int64_t kVariance = 1;
constexpr std::int64_t kFeature = 32;  // channels that a flow decoder hands on
constexpr std::int64_t kReduced = 2;   // of these, at level 1

at::Tensor leaky(const at::Tensor& x) {
  constexpr double kSlope = 0.1;
  return at::leaky_relu(x, kSlope);
}

at::Tensor resized(const at::Tensor& x, std::int64_t height, std::int64_t width) {
  return at::upsample_bilinear2d(x, {height, width}, /*align_corners=*/false);
}

/// A flow in other pixels.
at::Tensor scaled(const at::Tensor& flow, double along_width, double along_height) {
  return flow * at::tensor({along_width, along_height}, flow.options()).view({1, 2, 1, 1});
}

std::shared_ptr<ConvNorm> conv_norm_of(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                       std::int64_t padding, std::int64_t dilation = 1) {
  return std::make_shared<ConvNorm>(
      ConvOptions{.in = in, .out = out, .kernel = kernel, .padding = padding, .dilation = dilation},
      Activation::none);
}

std::shared_ptr<Conv2d> predictor_of(std::int64_t in, std::int64_t out, std::int64_t padding) {
  return std::make_shared<Conv2d>(
      ConvOptions{.in = in, .out = out, .kernel = 3, .padding = padding, .bias = true});
}

struct Decoded {
  at::Tensor flow, feature;
};

/// "OpticalFlowEstimatorResidualConnection": 3x3 convolutions 128-128-96-64-32 with two skips.
class FlowDecoder : public torch::nn::Module {
 public:
  explicit FlowDecoder(std::int64_t in)
      : conv_0_(register_module("conv_0", conv_norm_of(in, 128, 3, 1))),
        conv0_skip_(register_module("conv0_skip", conv_norm_of(128, 96, 1, 0))),
        conv_1_(register_module("conv_1", conv_norm_of(128, 128, 3, 1))),
        conv_2_(register_module("conv_2", conv_norm_of(128, 96, 3, 1))),
        conv2_skip_(register_module("conv2_skip", conv_norm_of(96, kFeature, 1, 0))),
        conv_3_(register_module("conv_3", conv_norm_of(96, 64, 3, 1))),
        conv_4_(register_module("conv_4", conv_norm_of(64, kFeature, 3, 1))),
        predict_mapping_(register_module("predict_mapping", predictor_of(kFeature, kFlow, 1))) {}

  Decoded forward(const at::Tensor& x) {
    const at::Tensor x0 = conv_0_->forward(x);
    const at::Tensor x1 = leaky(conv_1_->forward(leaky(x0)));
    const at::Tensor x2 = conv_2_->forward(x1) + conv0_skip_->forward(x0);
    const at::Tensor x3 = leaky(conv_3_->forward(leaky(x2)));
    const at::Tensor feature = leaky(conv_4_->forward(x3) + conv2_skip_->forward(x2));
    return {predict_mapping_->forward(feature), feature};
  }

 private:
  std::shared_ptr<ConvNorm> conv_0_, conv0_skip_, conv_1_, conv_2_, conv2_skip_, conv_3_, conv_4_;
  std::shared_ptr<Conv2d> predict_mapping_;
};

/// Dilated 3x3 convolutions over a decoder's feature: a correction of its flow with a wide view.
class RefinementModule : public torch::nn::Module {
 public:
  RefinementModule() {
    constexpr std::array<std::int64_t, 7> kWidths{kFeature, 128, 128, 128, 96, 64, 32};
    constexpr std::array<std::int64_t, 6> kDilations{1, 2, 4, 8, 16, 1};
    auto group = register_module("dc_convs", std::make_shared<ModuleGroup>());
    for (std::size_t i = 0; i < kDilations.size(); ++i) {
      convs_.push_back(group->add(std::to_string(i), conv_norm_of(kWidths[i], kWidths[i + 1], 3,
                                                                  kDilations[i], kDilations[i])));
    }
    predictor_ = group->add(std::to_string(convs_.size()), predictor_of(kWidths.back(), kFlow, 1));
  }

  at::Tensor forward(at::Tensor x) {
    for (const auto& conv : convs_) x = leaky(conv->forward(x));
    return predictor_->forward(x);
  }

 private:
  std::vector<std::shared_ptr<ConvNorm>> convs_;
  std::shared_ptr<Conv2d> predictor_;
};

/// Log-variance of a flow from the shape of every pixel's correlation (a map of side x side, which
/// convolutions without padding bring to 1 x 1), the decoder's feature and the level before.
class UncertaintyModule : public torch::nn::Module {
 public:
  UncertaintyModule(std::int64_t side, bool takes_previous)
      : side_(side),
        conv_0_(register_module("conv_0", conv_norm_of(1, 32, 3, 0))),
        conv_1_(register_module("conv_1", conv_norm_of(32, 32, 3, 0))),
        conv_2_(register_module("conv_2", conv_norm_of(32, 16, 3, 0))),
        predict_uncertainty_(register_module("predict_uncertainty", predictor_of(16, kShape, 0))) {
    const std::int64_t previous = takes_previous ? kVariance + kFlow : 0;
    pred_conv_0_ =
        register_module("pred_conv_0", conv_norm_of(kShape + kFeature + previous, 32, 3, 1));
    pred_conv_1_ = register_module("pred_conv_1", conv_norm_of(32, 16, 3, 1));
    predict_uncertainty_final_ =
        register_module("predict_uncertainty_final", predictor_of(16, kVariance, 1));
  }

  /// `inputs`: the feature, then the previous log-variance and flow where the module takes them.
  at::Tensor forward(const at::Tensor& correlation, std::vector<at::Tensor> inputs) {
    inputs.insert(inputs.begin(), shape_of(correlation));
    at::Tensor x = leaky(pred_conv_0_->forward(at::cat(inputs, 1)));
    x = leaky(pred_conv_1_->forward(x));
    return predict_uncertainty_final_->forward(x);
  }

 private:
  /// (N, side^2, H, W) -> (N, kShape, H, W)
  at::Tensor shape_of(const at::Tensor& correlation) {
    const Grid grid{correlation.size(2), correlation.size(3)};
    at::Tensor x = tokens_of(correlation).reshape({-1, 1, side_, side_});
    x = leaky(conv_0_->forward(x));
    if (side_ == kGlobalSide) x = at::max_pool2d(x, 2);
    x = leaky(conv_1_->forward(x));
    x = leaky(conv_2_->forward(x));
    x = predict_uncertainty_->forward(x);  // (N H W, kShape, 1, 1)
    return map_of(x.reshape({correlation.size(0), -1, kShape}), grid);
  }

  static constexpr std::int64_t kShape = 6;
  std::int64_t side_;
  std::shared_ptr<ConvNorm> conv_0_, conv_1_, conv_2_, pred_conv_0_, pred_conv_1_;
  std::shared_ptr<Conv2d> predict_uncertainty_, predict_uncertainty_final_;
};

/// What one level hands to the next; flow and variance in the pixels of one frame.
struct Estimate {
  at::Tensor flow, log_variance, feature;
};

/// Pixels of a picture in which flows are counted, whatever the size of their map.
struct Frame {
  std::int64_t height, width;
  [[nodiscard]] double diagonal() const {
    return std::hypot(static_cast<double>(height), static_cast<double>(width));
  }
};

/// The modules of a level with local search.
struct LocalLevel {
  std::shared_ptr<FlowDecoder> decoder;
  std::shared_ptr<UncertaintyModule> uncertainty;
  std::shared_ptr<RefinementModule> refinement{};  ///< null: none
  std::shared_ptr<Conv2d> reduce{};                ///< null: the previous feature is not used
};

/// In another frame; the variance of an oblong one by its diagonal.
Estimate in_frame(const Estimate& estimate, const Frame& from, const Frame& to) {
  return {
      .flow = scaled(estimate.flow, static_cast<double>(to.width) / static_cast<double>(from.width),
                     static_cast<double>(to.height) / static_cast<double>(from.height)),
      .log_variance = estimate.log_variance + 2 * std::log(to.diagonal() / from.diagonal()),
      .feature = estimate.feature};
}

class UaWarpCImpl : public UaWarpC {
 public:
  UaWarpCImpl() {
    constexpr std::int64_t kLocal = kSearchSide * kSearchSide + kFlow + kVariance;
    decoder4_ = add<FlowDecoder>("decoder4", kGlobalSide * kGlobalSide);
    level3_.decoder = add<FlowDecoder>("decoder3", kLocal);
    level3_.refinement = add<RefinementModule>("refinement_module_adaptive");
    level2_.decoder = add<FlowDecoder>("decoder2", kLocal);
    level1_.reduce =
        add<Conv2d>("reduce", ConvOptions{.in = kFeature, .out = kReduced, .bias = true});
    level1_.decoder = add<FlowDecoder>("decoder1", kLocal + kReduced);
    level1_.refinement = add<RefinementModule>("refinement_module_finest");
    uncertainty4_ = add<UncertaintyModule>("estimate_uncertainty_components4", kGlobalSide, false);
    level3_.uncertainty =
        add<UncertaintyModule>("estimate_uncertainty_components3", kSearchSide, true);
    level2_.uncertainty =
        add<UncertaintyModule>("estimate_uncertainty_components2", kSearchSide, true);
    level1_.uncertainty =
        add<UncertaintyModule>("estimate_uncertainty_components1", kSearchSide, true);
  }

  Alignment forward(const AlignmentFeatures& target, const AlignmentFeatures& source,
                    std::int64_t height, std::int64_t width) override {
    require_sizes(target, source, {height, width});
    constexpr Frame kSmall{kSide256, kSide256};
    const Frame full{height, width};
    Estimate estimate = global_level(target.sixteenth_256, source.sixteenth_256);
    estimate = local_level(level3_, target.eighth_256, source.eighth_256, estimate, kSmall);
    estimate = in_frame(estimate, kSmall, full);
    estimate = local_level(level2_, target.eighth, source.eighth, estimate, full);
    estimate = local_level(level1_, target.quarter, source.quarter, estimate, full);
    return {resized(estimate.flow, height, width), resized(estimate.log_variance, height, width)};
  }

  [[nodiscard]] LoadPolicy load_policy() const override {
    return {.renames = {{"alignment_head.*", "*"}}, .allowed_extra = {"alignment_backbone.*"}};
  }

 private:
  template <class Child, class... Args>
  std::shared_ptr<Child> add(const std::string& name, Args&&... args) {
    return register_module(name, std::make_shared<Child>(std::forward<Args>(args)...));
  }

  static void require_sizes(const AlignmentFeatures& target, const AlignmentFeatures& source,
                            const Frame& frame) {
    const std::array<Frame, 4> expected{{{frame.height / 4, frame.width / 4},
                                         {frame.height / 8, frame.width / 8},
                                         {kLevel3Side, kLevel3Side},
                                         {kGlobalSide, kGlobalSide}}};
    for (const AlignmentFeatures* of : {&target, &source}) {
      const std::array<const at::Tensor*, 4> found{&of->quarter, &of->eighth, &of->eighth_256,
                                                   &of->sixteenth_256};
      for (std::size_t i = 0; i < found.size(); ++i) {
        const at::Tensor& map = *found[i];
        if (map.size(2) == expected[i].height && map.size(3) == expected[i].width) continue;
        fail<ConfigError>("alignment of {} x {} pixels: features of {} x {}, expected {} x {}",
                          frame.height, frame.width, map.size(2), map.size(3), expected[i].height,
                          expected[i].width);
      }
    }
  }

  /// Level 4: the decoder says where every pixel is, from -1 to 1 over the map.
  Estimate global_level(const at::Tensor& target, const at::Tensor& source) {
    const at::Tensor correlation = global_correlation(unit_vectors(source), unit_vectors(target));
    const Decoded decoded = decoder4_->forward(correlation);
    const at::Tensor places = (decoded.flow + 1) * (static_cast<double>(kGlobalSide - 1) / 2);
    const Estimate estimate{.flow = places - pixel_places(kGlobalSide, kGlobalSide, places),
                            .log_variance = uncertainty4_->forward(correlation, {decoded.feature}),
                            .feature = decoded.feature};
    return in_frame(estimate, {kGlobalSide, kGlobalSide}, {kSide256, kSide256});
  }

  /// Levels 3 to 1: the previous flow, enlarged, and what a search around it finds.
  static Estimate local_level(const LocalLevel& level, const at::Tensor& target,
                              const at::Tensor& source, const Estimate& previous,
                              const Frame& frame) {
    const std::int64_t height = target.size(2);
    const std::int64_t width = target.size(3);
    const at::Tensor flow = resized(previous.flow, height, width);
    const at::Tensor log_variance = resized(previous.log_variance, height, width);
    const at::Tensor on_map =
        scaled(flow, static_cast<double>(width) / static_cast<double>(frame.width),
               static_cast<double>(height) / static_cast<double>(frame.height));
    const at::Tensor correlation =
        local_correlation(warp(unit_vectors(source), on_map).values, unit_vectors(target), kRadius);
    std::vector<at::Tensor> inputs{correlation, flow};
    if (level.reduce) {
      inputs.push_back(level.reduce->forward(resized(previous.feature, height, width)));
    }
    inputs.push_back(log_variance);
    Decoded decoded = level.decoder->forward(at::cat(inputs, 1));
    if (level.refinement) {
      decoded.flow = decoded.flow + level.refinement->forward(decoded.feature);
    }
    return {.flow = decoded.flow + flow,
            .log_variance =
                level.uncertainty->forward(correlation, {decoded.feature, log_variance, flow}),
            .feature = decoded.feature};
  }

  std::shared_ptr<FlowDecoder> decoder4_;
  std::shared_ptr<UncertaintyModule> uncertainty4_;
  LocalLevel level3_, level2_, level1_;
};

}  // namespace

AlignmentFeatures alignment_features(Vgg16& vgg, const at::Tensor& images) {
  const auto own = vgg.forward(images).pooled;
  const auto small = vgg.forward(at::adaptive_avg_pool2d(images, {kSide256, kSide256})).pooled;
  if (own.size() != 4 || small.size() != 4) {
    fail<InternalError>("the alignment needs VGG-16's pool1 to pool4, got {} maps", own.size());
  }
  return {.quarter = own[1], .eighth = own[2], .eighth_256 = small[2], .sixteenth_256 = small[3]};
}

at::Tensor match_confidence(const at::Tensor& log_variance, double radius) {
  return -at::expm1(-radius * radius / 2 * at::exp(-log_variance));
}

std::shared_ptr<UaWarpC> make_uawarpc(std::uint64_t seed) {
  auto network = std::make_shared<UaWarpCImpl>();
  initialize_like_pytorch(*network, {.seed = seed, .name = {}});
  return network;
}

}  // namespace dusk
