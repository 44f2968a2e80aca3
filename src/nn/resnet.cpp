#include "dusk/nn/resnet.hpp"

#include <torch/types.h>

#include <string>

#include "dusk/base/error.hpp"
#include "nn/layers.hpp"

namespace dusk {
namespace {

/// A residual block: what the two kinds share is the shortcut (`downsample.0`, `downsample.1`).
class Block : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;

 protected:
  void add_shortcut(std::int64_t in, std::int64_t out, std::int64_t stride) {
    if (stride == 1 && in == out) return;
    auto group = register_module("downsample", std::make_shared<ModuleGroup>());
    shortcut_conv_ = group->add(
        "0", std::make_shared<Conv2d>(ConvOptions{.in = in, .out = out, .stride = stride}));
    shortcut_norm_ = group->add("1", std::make_shared<BatchNorm2d>(out));
  }
  at::Tensor shortcut(const at::Tensor& x) {
    if (!shortcut_conv_) return x;
    return conv_norm(x, *shortcut_conv_, *shortcut_norm_, Activation::none);
  }

  std::shared_ptr<Conv2d> add_conv(const std::string& name, const ConvOptions& options) {
    return register_module(name, std::make_shared<Conv2d>(options));
  }
  std::shared_ptr<BatchNorm2d> add_norm(const std::string& name, std::int64_t channels) {
    return register_module(name, std::make_shared<BatchNorm2d>(channels));
  }

 private:
  std::shared_ptr<Conv2d> shortcut_conv_;
  std::shared_ptr<BatchNorm2d> shortcut_norm_;
};

class BasicBlock : public Block {
 public:
  BasicBlock(std::int64_t in, std::int64_t width, std::int64_t stride)
      : conv1_(add_conv("conv1",
                        {.in = in, .out = width, .kernel = 3, .stride = stride, .padding = 1})),
        bn1_(add_norm("bn1", width)),
        conv2_(add_conv("conv2", {.in = width, .out = width, .kernel = 3, .padding = 1})),
        bn2_(add_norm("bn2", width)) {
    add_shortcut(in, width, stride);
  }

  at::Tensor forward(const at::Tensor& x) override {
    const at::Tensor y = conv_norm(x, *conv1_, *bn1_, Activation::relu);
    return conv_norm(y, *conv2_, *bn2_, Activation::relu, shortcut(x));
  }

 private:
  std::shared_ptr<Conv2d> conv1_;
  std::shared_ptr<BatchNorm2d> bn1_;
  std::shared_ptr<Conv2d> conv2_;
  std::shared_ptr<BatchNorm2d> bn2_;
};

class Bottleneck : public Block {
 public:
  Bottleneck(std::int64_t in, std::int64_t width, std::int64_t stride)
      : conv1_(add_conv("conv1", {.in = in, .out = width})),
        bn1_(add_norm("bn1", width)),
        conv2_(add_conv("conv2",
                        {.in = width, .out = width, .kernel = 3, .stride = stride, .padding = 1})),
        bn2_(add_norm("bn2", width)),
        conv3_(add_conv("conv3", {.in = width, .out = 4 * width})),
        bn3_(add_norm("bn3", 4 * width)) {
    add_shortcut(in, 4 * width, stride);
  }

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = conv_norm(x, *conv1_, *bn1_, Activation::relu);
    y = conv_norm(y, *conv2_, *bn2_, Activation::relu);
    return conv_norm(y, *conv3_, *bn3_, Activation::relu, shortcut(x));
  }

 private:
  std::shared_ptr<Conv2d> conv1_;
  std::shared_ptr<BatchNorm2d> bn1_;
  std::shared_ptr<Conv2d> conv2_;
  std::shared_ptr<BatchNorm2d> bn2_;
  std::shared_ptr<Conv2d> conv3_;
  std::shared_ptr<BatchNorm2d> bn3_;
};

struct Form {
  std::array<int, 4> blocks;
  bool bottleneck;
};

Form form_of(int depth) {
  switch (depth) {
    case 18:
      return {{2, 2, 2, 2}, false};
    case 34:
      return {{3, 4, 6, 3}, false};
    case 50:
      return {{3, 4, 6, 3}, true};
    case 101:
      return {{3, 4, 23, 3}, true};
    default:
      fail<ConfigError>("ResNet of depth {}: there are 18, 34, 50 and 101", depth);
  }
}

class ResNet : public Backbone {
 public:
  explicit ResNet(const ResNetOptions& options)
      : stem_level_(options.stem_level),
        conv1_(register_module(
            "conv1",
            std::make_shared<Conv2d>(ConvOptions{
                .in = options.in_channels, .out = 64, .kernel = 7, .stride = 2, .padding = 3}))),
        bn1_(register_module("bn1", std::make_shared<BatchNorm2d>(64))) {
    const Form form = form_of(options.depth);
    if (stem_level_) info_ = {.channels = {64}, .strides = {2}};
    std::int64_t in = 64;
    for (std::size_t stage = 0; stage < 4; ++stage) {
      const std::int64_t width = std::int64_t{64} << stage;
      auto layer =
          register_module(fmt::format("layer{}", stage + 1), std::make_shared<ModuleGroup>());
      for (int i = 0; i < form.blocks[stage]; ++i) {
        const std::int64_t stride = stage > 0 && i == 0 ? 2 : 1;
        std::shared_ptr<Block> block;
        if (form.bottleneck) {
          block = std::make_shared<Bottleneck>(in, width, stride);
        } else {
          block = std::make_shared<BasicBlock>(in, width, stride);
        }
        stages_[stage].push_back(layer->add(std::to_string(i), block));
        in = form.bottleneck ? 4 * width : width;
      }
      info_.channels.push_back(in);
      info_.strides.push_back(std::int64_t{4} << stage);
    }
  }

  std::vector<at::Tensor> features(const at::Tensor& images) override {
    at::Tensor x = conv_norm(images, *conv1_, *bn1_, Activation::relu);
    std::vector<at::Tensor> levels;
    if (stem_level_) levels.push_back(x);
    x = at::max_pool2d(x, 3, 2, 1);
    for (const auto& stage : stages_) {
      for (const auto& block : stage) x = block->forward(x);
      levels.push_back(x);
    }
    return levels;
  }

  [[nodiscard]] PyramidInfo pyramid() const override { return info_; }

 private:
  bool stem_level_;
  std::shared_ptr<Conv2d> conv1_;
  std::shared_ptr<BatchNorm2d> bn1_;
  std::array<std::vector<std::shared_ptr<Block>>, 4> stages_;
  PyramidInfo info_;
};

}  // namespace

std::shared_ptr<Backbone> make_resnet(const ResNetOptions& options, std::uint64_t seed) {
  auto network = std::make_shared<ResNet>(options);
  initialize_backbone(*network, seed);
  return network;
}

}  // namespace dusk
