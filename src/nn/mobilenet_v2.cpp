#include "dusk/nn/mobilenet_v2.hpp"

#include <torch/types.h>

#include <array>
#include <string>

#include "nn/layers.hpp"

namespace dusk {
namespace {

/// torchvision's Conv2dNormActivation: convolution "0", batch norm "1", ReLU6.
class ConvNormRelu6 : public torch::nn::Module {
 public:
  explicit ConvNormRelu6(const ConvOptions& options)
      : conv_(register_module("0", std::make_shared<Conv2d>(options))),
        norm_(register_module("1", std::make_shared<BatchNorm2d>(options.out))) {}

  at::Tensor forward(const at::Tensor& x) {
    return conv_norm(x, *conv_, *norm_, Activation::relu6);
  }

 private:
  std::shared_ptr<Conv2d> conv_;
  std::shared_ptr<BatchNorm2d> norm_;
};

/// Expansion (where the factor is not 1), depthwise 3x3, linear projection; the input is added
/// where the shapes agree.
class InvertedResidual : public torch::nn::Module {
 public:
  InvertedResidual(std::int64_t in, std::int64_t out, std::int64_t stride, std::int64_t expansion)
      : adds_input_(stride == 1 && in == out) {
    auto group = register_module("conv", std::make_shared<ModuleGroup>());
    const std::int64_t hidden = in * expansion;
    int index = 0;
    if (expansion != 1) {
      expand_ = group->add(std::to_string(index++),
                           std::make_shared<ConvNormRelu6>(ConvOptions{.in = in, .out = hidden}));
    }
    depthwise_ = group->add(std::to_string(index++),
                            std::make_shared<ConvNormRelu6>(ConvOptions{.in = hidden,
                                                                        .out = hidden,
                                                                        .kernel = 3,
                                                                        .stride = stride,
                                                                        .padding = 1,
                                                                        .groups = hidden}));
    project_ = group->add(std::to_string(index++),
                          std::make_shared<Conv2d>(ConvOptions{.in = hidden, .out = out}));
    norm_ = group->add(std::to_string(index), std::make_shared<BatchNorm2d>(out));
  }

  at::Tensor forward(const at::Tensor& x) {
    at::Tensor y = expand_ ? expand_->forward(x) : x;
    y = depthwise_->forward(y);
    return conv_norm(y, *project_, *norm_, Activation::none, adds_input_ ? x : at::Tensor());
  }

 private:
  bool adds_input_;
  std::shared_ptr<ConvNormRelu6> expand_;
  std::shared_ptr<ConvNormRelu6> depthwise_;
  std::shared_ptr<Conv2d> project_;
  std::shared_ptr<BatchNorm2d> norm_;
};

/// A row of the paper's table 2: n blocks, the first with stride s.
struct Stage {
  std::int64_t expansion, channels;
  int blocks;
  std::int64_t stride;
};
constexpr std::array<Stage, 7> kStages{{{1, 16, 1, 1},
                                        {6, 24, 2, 2},
                                        {6, 32, 3, 2},
                                        {6, 64, 4, 2},
                                        {6, 96, 3, 1},
                                        {6, 160, 3, 2},
                                        {6, 320, 1, 1}}};
/// Blocks of `features` after which a level of the pyramid is complete.
constexpr std::array<std::size_t, 4> kLevels{3, 6, 13, 17};

class MobileNetV2 : public Backbone {
 public:
  MobileNetV2() {
    auto group = register_module("features", std::make_shared<ModuleGroup>());
    std::int64_t in = 32;
    stem_ = group->add("0", std::make_shared<ConvNormRelu6>(ConvOptions{
                                .in = 3, .out = in, .kernel = 3, .stride = 2, .padding = 1}));
    for (const Stage& stage : kStages) {
      for (int i = 0; i < stage.blocks; ++i) {
        blocks_.push_back(
            group->add(std::to_string(blocks_.size() + 1),
                       std::make_shared<InvertedResidual>(
                           in, stage.channels, i == 0 ? stage.stride : 1, stage.expansion)));
        in = stage.channels;
      }
    }
  }

  std::vector<at::Tensor> features(const at::Tensor& images) override {
    at::Tensor x = stem_->forward(images);
    std::vector<at::Tensor> levels;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      x = blocks_[i]->forward(x);
      if (i + 1 == kLevels[levels.size()]) levels.push_back(x);
    }
    return levels;
  }

  [[nodiscard]] PyramidInfo pyramid() const override {
    return {.channels = {24, 32, 96, 320}, .strides = {4, 8, 16, 32}};
  }

 private:
  std::shared_ptr<ConvNormRelu6> stem_;
  std::vector<std::shared_ptr<InvertedResidual>> blocks_;
};

}  // namespace

std::shared_ptr<Backbone> make_mobilenet_v2(std::uint64_t seed) {
  auto network = std::make_shared<MobileNetV2>();
  initialize_backbone(*network, seed);
  return network;
}

}  // namespace dusk
