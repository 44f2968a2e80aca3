#include "dusk/nn/resnet.hpp"

#include <torch/types.h>

#include <array>
#include <string>

#include "dusk/base/error.hpp"
#include "nn/layers.hpp"

namespace dusk {
namespace {

/// What a block is told besides its widths.
struct BlockOptions {
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  bool stride_on_1x1 = false;
  BatchNormOptions norm;
};

/// A residual block: what the two kinds share is the shortcut (`downsample.0`, `downsample.1`).
class Block : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;
  /// The norm before the sum.
  [[nodiscard]] virtual BatchNorm2d& last_norm() = 0;

 protected:
  void add_shortcut(std::int64_t in, std::int64_t out, const BlockOptions& options) {
    if (options.stride == 1 && in == out) return;
    auto group = register_module("downsample", std::make_shared<ModuleGroup>());
    shortcut_conv_ = group->add(
        "0", std::make_shared<Conv2d>(ConvOptions{.in = in, .out = out, .stride = options.stride}));
    shortcut_norm_ = group->add("1", std::make_shared<BatchNorm2d>(out, options.norm));
  }
  at::Tensor shortcut(const at::Tensor& x) {
    if (!shortcut_conv_) return x;
    return conv_norm(x, *shortcut_conv_, *shortcut_norm_, Activation::none);
  }

  std::shared_ptr<Conv2d> add_conv(const std::string& name, const ConvOptions& options) {
    return register_module(name, std::make_shared<Conv2d>(options));
  }
  std::shared_ptr<BatchNorm2d> add_norm(const std::string& name, std::int64_t channels,
                                        const BlockOptions& options) {
    return register_module(name, std::make_shared<BatchNorm2d>(channels, options.norm));
  }

 private:
  std::shared_ptr<Conv2d> shortcut_conv_;
  std::shared_ptr<BatchNorm2d> shortcut_norm_;
};

class BasicBlock : public Block {
 public:
  BasicBlock(std::int64_t in, std::int64_t width, const BlockOptions& options)
      : conv1_(add_conv(
            "conv1",
            {.in = in, .out = width, .kernel = 3, .stride = options.stride, .padding = 1})),
        bn1_(add_norm("bn1", width, options)),
        conv2_(add_conv("conv2", {.in = width, .out = width, .kernel = 3, .padding = 1})),
        bn2_(add_norm("bn2", width, options)) {
    add_shortcut(in, width, options);
  }

  at::Tensor forward(const at::Tensor& x) override {
    const at::Tensor y = conv_norm(x, *conv1_, *bn1_, Activation::relu);
    return conv_norm(y, *conv2_, *bn2_, Activation::relu, shortcut(x));
  }
  [[nodiscard]] BatchNorm2d& last_norm() override { return *bn2_; }

 private:
  std::shared_ptr<Conv2d> conv1_;
  std::shared_ptr<BatchNorm2d> bn1_;
  std::shared_ptr<Conv2d> conv2_;
  std::shared_ptr<BatchNorm2d> bn2_;
};

class Bottleneck : public Block {
 public:
  Bottleneck(std::int64_t in, std::int64_t width, const BlockOptions& options)
      : conv1_(add_conv(
            "conv1",
            {.in = in, .out = width, .stride = options.stride_on_1x1 ? options.stride : 1})),
        bn1_(add_norm("bn1", width, options)),
        conv2_(add_conv("conv2", {.in = width,
                                  .out = width,
                                  .kernel = 3,
                                  .stride = options.stride_on_1x1 ? 1 : options.stride,
                                  .padding = options.dilation,
                                  .dilation = options.dilation})),
        bn2_(add_norm("bn2", width, options)),
        conv3_(add_conv("conv3", {.in = width, .out = 4 * width})),
        bn3_(add_norm("bn3", 4 * width, options)) {
    add_shortcut(in, 4 * width, options);
  }

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = conv_norm(x, *conv1_, *bn1_, Activation::relu);
    y = conv_norm(y, *conv2_, *bn2_, Activation::relu);
    return conv_norm(y, *conv3_, *bn3_, Activation::relu, shortcut(x));
  }
  [[nodiscard]] BatchNorm2d& last_norm() override { return *bn3_; }

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

void check(const ResNetOptions& options) {
  const std::int64_t stride = options.output_stride;
  if (stride != 8 && stride != 16 && stride != 32) {
    fail<ConfigError>("ResNet with an output stride of {}: there are 8, 16 and 32", stride);
  }
  if (stride != 32 && !form_of(options.depth).bottleneck) {
    fail<ConfigError>("ResNet-{} has no form of output stride {}: basic blocks do not dilate",
                      options.depth, stride);
  }
}

class ResNet : public Backbone {
 public:
  explicit ResNet(const ResNetOptions& options) : options_(options) {
    add_stem();
    if (options.stem_level) add_level(stem_width(), 2);
    add_stages();
  }

  std::vector<at::Tensor> features(const at::Tensor& images) override {
    at::Tensor x = images;
    for (const auto& [conv, norm] : stem_) x = conv_norm(x, *conv, *norm, Activation::relu);
    std::vector<at::Tensor> levels;
    if (options_.stem_level) levels.push_back(x);
    x = at::max_pool2d(x, 3, 2, 1, /*dilation=*/1, options_.ceil_pool);
    for (const auto& stage : stages_) {
      for (const auto& block : stage) x = block->forward(x);
      levels.push_back(x);
    }
    return levels;
  }

  [[nodiscard]] PyramidInfo pyramid() const override { return info_; }

  [[nodiscard]] LoadPolicy load_policy(const TensorFile& file) const override {
    LoadPolicy policy = Backbone::load_policy(file);
    if (options_.stem != ResNetStem::deep || file.find("conv3.weight") != nullptr) return policy;
    for (const std::string part : {"conv1.", "bn1.", "layer1.0.conv1.", "layer1.0.downsample.0."}) {
      policy.renames.push_back({part + "*", "plain stem: " + part + "*"});
      policy.allowed_missing.push_back(part + "*");
    }
    policy.allowed_extra.emplace_back("plain stem: *");
    for (const char* part : {"conv2.*", "bn2.*", "conv3.*", "bn3.*"}) {
      policy.allowed_missing.emplace_back(part);
    }
    return policy;
  }

  void initialize(std::uint64_t seed) {
    initialize_backbone(*this, seed);
    if (!options_.zero_last_norms) return;
    for (const auto& stage : stages_) {
      for (const auto& block : stage) constant(block->last_norm().weight(), 0);
    }
  }

 private:
  [[nodiscard]] std::int64_t stem_width() const {
    return options_.stem == ResNetStem::deep ? 128 : 64;
  }

  void add_stem() {
    const std::int64_t in = options_.in_channels;
    const auto conv3x3 = [](std::int64_t from, std::int64_t to, std::int64_t stride = 1) {
      return ConvOptions{.in = from, .out = to, .kernel = 3, .stride = stride, .padding = 1};
    };
    switch (options_.stem) {
      case ResNetStem::plain:
        add_stem_layer(*this, "conv1", "bn1",
                       {.in = in, .out = 64, .kernel = 7, .stride = 2, .padding = 3});
        return;
      case ResNetStem::deep:
        add_stem_layer(*this, "conv1", "bn1", conv3x3(in, 64, 2));
        add_stem_layer(*this, "conv2", "bn2", conv3x3(64, 64));
        add_stem_layer(*this, "conv3", "bn3", conv3x3(64, 128));
        return;
      case ResNetStem::v1c:
        auto group = register_module("stem", std::make_shared<ModuleGroup>());
        add_stem_layer(*group, "0", "1", conv3x3(in, 32, 2));
        add_stem_layer(*group, "3", "4", conv3x3(32, 32));
        add_stem_layer(*group, "6", "7", conv3x3(32, 64));
        return;
    }
  }

  void add_stem_layer(torch::nn::Module& parent, const std::string& conv, const std::string& norm,
                      const ConvOptions& options) {
    auto layer = parent.register_module(conv, std::make_shared<Conv2d>(options));
    stem_.emplace_back(std::move(layer),
                       parent.register_module(norm, std::make_shared<BatchNorm2d>(options.out)));
  }

  void add_stages() {
    const Form form = form_of(options_.depth);
    std::int64_t in = stem_width();
    std::int64_t total_stride = 4;
    BlockOptions block{.stride_on_1x1 = options_.stride_on_1x1,
                       .norm = {.trains_affine = options_.trains_block_norms}};
    for (std::size_t stage = 0; stage < 4; ++stage) {
      const std::int64_t width = std::int64_t{64} << stage;
      const bool strides = stage > 0 && total_stride < options_.output_stride;
      if (strides) total_stride *= 2;
      if (stage > 0 && !strides) block.dilation *= 2;
      auto layer =
          register_module(fmt::format("layer{}", stage + 1), std::make_shared<ModuleGroup>());
      for (int i = 0; i < form.blocks[stage]; ++i) {
        block.stride = strides && i == 0 ? 2 : 1;
        stages_[stage].push_back(layer->add(std::to_string(i), make_block(form, in, width, block)));
        in = form.bottleneck ? 4 * width : width;
      }
      add_level(in, total_stride);
    }
  }

  static std::shared_ptr<Block> make_block(const Form& form, std::int64_t in, std::int64_t width,
                                           const BlockOptions& options) {
    if (form.bottleneck) return std::make_shared<Bottleneck>(in, width, options);
    return std::make_shared<BasicBlock>(in, width, options);
  }

  void add_level(std::int64_t channels, std::int64_t stride) {
    info_.channels.push_back(channels);
    info_.strides.push_back(stride);
  }

  ResNetOptions options_;
  std::vector<std::pair<std::shared_ptr<Conv2d>, std::shared_ptr<BatchNorm2d>>> stem_;
  std::array<std::vector<std::shared_ptr<Block>>, 4> stages_;
  PyramidInfo info_;
};

}  // namespace

std::shared_ptr<Backbone> make_resnet(const ResNetOptions& options, std::uint64_t seed) {
  check(options);
  auto network = std::make_shared<ResNet>(options);
  network->initialize(seed);
  return network;
}

}  // namespace dusk
