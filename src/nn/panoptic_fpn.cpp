#include "dusk/nn/panoptic_fpn.hpp"

#include <torch/types.h>

#include <array>
#include <string>

#include "dusk/base/error.hpp"
#include "dusk/nn/init.hpp"
#include "nn/layers.hpp"

namespace dusk {
namespace {

constexpr std::size_t kPyramidLevels = 4;  // P2..P5 in the paper's numbers

void initialize_neck(at::Tensor& weight, FpnInit init, const InitKey& key) {
  if (init == FpnInit::pytorch) return pytorch_default(weight, key);
  xavier_uniform(weight, key);
}

void initialize_head(at::Tensor& weight, FpnInit init, const InitKey& key) {
  if (init == FpnInit::pytorch) return pytorch_default(weight, key);
  kaiming_normal(weight, Fan::out, key);
}

at::Tensor resize_to(const at::Tensor& x, const at::Tensor& like) {
  return at::upsample_bilinear2d(x, {like.size(2), like.size(3)}, /*align_corners=*/false);
}

/// Top-down pathway: 1x1 lateral convolutions, nearest up-sampling and sum, 3x3 smoothing.
class Neck : public torch::nn::Module {
 public:
  Neck(const PyramidInfo& pyramid, std::int64_t channels) {
    for (std::size_t i = 0; i < kPyramidLevels; ++i) {
      lateral_[i] = register_module(fmt::format("fpn_lateral{}", i + 2),
                                    std::make_shared<Conv2d>(ConvOptions{
                                        .in = pyramid.channels[i], .out = channels, .bias = true}));
      output_[i] = register_module(
          fmt::format("fpn_output{}", i + 2),
          std::make_shared<Conv2d>(ConvOptions{
              .in = channels, .out = channels, .kernel = 3, .padding = 1, .bias = true}));
    }
  }

  std::array<at::Tensor, kPyramidLevels> forward(const std::vector<at::Tensor>& levels) {
    std::array<at::Tensor, kPyramidLevels> out;
    at::Tensor above;
    for (std::size_t i = kPyramidLevels; i-- > 0;) {
      at::Tensor inner = lateral_[i]->forward(levels[i]);
      if (above.defined()) {
        inner.add_(at::upsample_nearest2d(above, {inner.size(2), inner.size(3)}));
      }
      out[i] = output_[i]->forward(inner);
      above = inner;
    }
    return out;
  }

  void initialize(FpnInit init, std::uint64_t seed) {
    for (auto& child : named_children()) {
      auto& conv = *child.value()->as<Conv2d>();
      initialize_neck(conv.weight(), init, {seed, child.key()});
      constant(conv.bias(), 0);
    }
  }

 private:
  std::array<std::shared_ptr<Conv2d>, kPyramidLevels> lateral_, output_;
};

/// 3x3 convolution without bias (`weight`), group norm (`norm`), ReLU.
class ConvNormRelu : public Conv2d {
 public:
  ConvNormRelu(std::int64_t in, std::int64_t out, std::int64_t groups)
      : Conv2d({.in = in, .out = out, .kernel = 3, .padding = 1}),
        norm_(register_module("norm", std::make_shared<GroupNormRelu>(groups, out))) {}

  at::Tensor forward_all(const at::Tensor& x) { return norm_->forward(forward(x)); }
  void initialize(FpnInit init, const InitKey& key) {
    initialize_head(weight(), init, key);
    norm_->initialize();
  }

 private:
  std::shared_ptr<GroupNormRelu> norm_;
};

class SemanticHead : public torch::nn::Module {
 public:
  SemanticHead(const PanopticFpnOptions& options, std::int64_t classes) {
    for (std::size_t i = 0; i < kPyramidLevels; ++i) {
      auto group = register_module(fmt::format("p{}", i + 2), std::make_shared<ModuleGroup>());
      const std::size_t count = i == 0 ? 1 : i;
      for (std::size_t j = 0; j < count; ++j) {
        const std::int64_t in = j == 0 ? options.neck_channels : options.head_channels;
        stages_[i].push_back(group->add(
            std::to_string(2 * j),
            std::make_shared<ConvNormRelu>(in, options.head_channels, options.norm_groups)));
      }
    }
    predictor_ = register_module(
        "predictor", std::make_shared<Conv2d>(
                         ConvOptions{.in = options.head_channels, .out = classes, .bias = true}));
  }

  at::Tensor forward(const std::array<at::Tensor, kPyramidLevels>& levels) {
    at::Tensor sum = stages_[0][0]->forward_all(levels[0]);
    for (std::size_t i = 1; i < kPyramidLevels; ++i) {
      at::Tensor x = levels[i];
      for (std::size_t j = 0; j < stages_[i].size(); ++j) {
        x = resize_to(stages_[i][j]->forward_all(x), levels[i - 1 - j]);
      }
      sum = at::add(sum, x);
    }
    return predictor_->forward(sum);
  }

  void initialize(FpnInit init, std::uint64_t seed) {
    for (std::size_t i = 0; i < kPyramidLevels; ++i) {
      for (std::size_t j = 0; j < stages_[i].size(); ++j) {
        stages_[i][j]->initialize(init, {seed, fmt::format("p{}.{}", i + 2, 2 * j)});
      }
    }
    initialize_head(predictor_->weight(), init, {seed, "predictor"});
    constant(predictor_->bias(), 0);
  }

 private:
  std::array<std::vector<std::shared_ptr<ConvNormRelu>>, kPyramidLevels> stages_;
  std::shared_ptr<Conv2d> predictor_;
};

class PanopticFpn : public Decoder {
 public:
  PanopticFpn(const PanopticFpnOptions& options, const PyramidInfo& pyramid, std::int64_t classes)
      : neck_(register_module("neck", std::make_shared<Neck>(pyramid, options.neck_channels))),
        head_(register_module("head", std::make_shared<SemanticHead>(options, classes))) {}

  at::Tensor forward(const std::vector<at::Tensor>& levels) override {
    return head_->forward(neck_->forward(levels));
  }
  void initialize(FpnInit init, std::uint64_t seed) {
    neck_->initialize(init, seed);
    head_->initialize(init, seed);
  }

 private:
  std::shared_ptr<Neck> neck_;
  std::shared_ptr<SemanticHead> head_;
};

}  // namespace

std::shared_ptr<Decoder> make_panoptic_fpn(const PanopticFpnOptions& options,
                                           const PyramidInfo& pyramid, std::int64_t classes,
                                           std::uint64_t seed) {
  if (options.norm_groups < 1 || options.head_channels % options.norm_groups != 0) {
    fail<ConfigError>("panoptic_fpn: head_channels {} is not divisible by norm_groups {}",
                      options.head_channels, options.norm_groups);
  }
  if (pyramid.channels.size() != kPyramidLevels) {
    fail<ConfigError>("panoptic_fpn needs a backbone of {} levels, this one has {}", kPyramidLevels,
                      pyramid.channels.size());
  }
  auto network = std::make_shared<PanopticFpn>(options, pyramid, classes);
  network->initialize(options.init, seed);
  return network;
}

}  // namespace dusk
