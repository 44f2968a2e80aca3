#include "dusk/nn/monodepth.hpp"

#include <torch/types.h>

#include <array>
#include <string>
#include <string_view>

#include "dusk/base/error.hpp"
#include "dusk/nn/resnet.hpp"
#include "nn/image_layers.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kColours = 3;
constexpr std::size_t kFeatures = 5;
constexpr std::size_t kScales = 4;

/// What torchvision's files hold beyond a backbone, and what old ones lack.
LoadPolicy torchvision_policy() {
  return {.renames = {},
          .allowed_extra = {"fc.*"},
          .allowed_missing = {"*.num_batches_tracked"},
          .allow_reshape = false};
}

class Encoder : public MonodepthEncoder {
 public:
  Encoder(const MonodepthEncoderOptions& options, std::int64_t frames, std::uint64_t seed)
      : encoder_(register_module("encoder", make_resnet({.depth = options.depth,
                                                         .in_channels = kColours * frames,
                                                         .stem_level = true},
                                                        seed))) {
    if (!options.weights.empty()) load(options, frames);
  }

  std::vector<at::Tensor> forward(const at::Tensor& images) override {
    require_multiple(images, encoder_->pyramid().strides.back(), "Monodepth2's encoder");
    constexpr double kMean = 0.45;
    constexpr double kDeviation = 0.225;
    return encoder_->features(at::sub(images, kMean).div_(kDeviation));
  }
  [[nodiscard]] PyramidInfo pyramid() const override { return encoder_->pyramid(); }
  [[nodiscard]] const std::optional<LoadReport>& weights() const override { return report_; }

 private:
  /// Through a network of one picture, so that the file is checked as any other.
  void load(const MonodepthEncoderOptions& options, std::int64_t frames) {
    const auto single = make_resnet({.depth = options.depth});
    report_ = load_weights(*single, *read_weights(options.weights), torchvision_policy());
    const std::vector<NamedTensor> from = named_state(*single);
    std::vector<NamedTensor> to = named_state(*encoder_);
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < to.size(); ++i) {
      const bool sees_pictures = to[i].name == "conv1.weight";
      to[i].tensor.copy_(sees_pictures ? from[i].tensor.repeat({1, frames, 1, 1}) /
                                             static_cast<double>(frames)
                                       : from[i].tensor);
    }
  }

  std::shared_ptr<Backbone> encoder_;
  std::optional<LoadReport> report_;
};

/// The public code's Conv3x3: reflection padding and a convolution with bias (`conv`).
class Conv3x3 : public torch::nn::Module {
 public:
  Conv3x3(std::int64_t in, std::int64_t out)
      : conv_(register_module("conv", std::make_shared<Conv2d>(ConvOptions{
                                          .in = in, .out = out, .kernel = 3, .bias = true}))) {}
  at::Tensor forward(const at::Tensor& x) { return conv_->forward(reflection_pad(x, 1)); }

 private:
  std::shared_ptr<Conv2d> conv_;
};

/// Its ConvBlock: that (`conv`) and ELU.
class ConvBlock : public torch::nn::Module {
 public:
  ConvBlock(std::int64_t in, std::int64_t out)
      : conv_(register_module("conv", std::make_shared<Conv3x3>(in, out))) {}
  at::Tensor forward(const at::Tensor& x) {
    at::Tensor y = conv_->forward(x);
    return at::elu_(y);
  }

 private:
  std::shared_ptr<Conv3x3> conv_;
};

enum class MapKind { sigmoid, logits };

class UNetDecoder : public MonodepthDecoder {
 public:
  UNetDecoder(const MonodepthDecoderOptions& options, const PyramidInfo& encoder, std::int64_t maps,
              MapKind kind)
      : kind_(kind) {
    if (encoder.channels.size() != kFeatures) {
      fail<ConfigError>("Monodepth2's decoder needs {} features, the encoder has {}", kFeatures,
                        encoder.channels.size());
    }
    auto group = register_module("decoder", std::make_shared<ModuleGroup>());
    int index = 0;
    std::int64_t in = encoder.channels.back();
    for (std::size_t i = kFeatures; i-- > 0;) {
      const std::int64_t out = options.width << i;
      const std::int64_t skip = i > 0 ? encoder.channels[i - 1] : 0;
      before_[i] = group->add(std::to_string(index++), std::make_shared<ConvBlock>(in, out));
      after_[i] = group->add(std::to_string(index++), std::make_shared<ConvBlock>(out + skip, out));
      in = out;
    }
    for (std::size_t s = 0; s < kScales; ++s) {
      heads_[s] =
          group->add(std::to_string(index++), std::make_shared<Conv3x3>(options.width << s, maps));
    }
  }

  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& features) override {
    std::vector<at::Tensor> maps(kScales);
    at::Tensor x = features.back();
    for (std::size_t i = kFeatures; i-- > 0;) {
      x = before_[i]->forward(x);
      x = at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
      if (i > 0) x = at::cat({x, features[i - 1]}, 1);
      x = after_[i]->forward(x);
      if (i < kScales) maps[i] = map_of(heads_[i]->forward(x));
    }
    return maps;
  }

 private:
  [[nodiscard]] at::Tensor map_of(const at::Tensor& values) const {
    return kind_ == MapKind::sigmoid ? values.sigmoid_() : values;
  }

  MapKind kind_;
  std::array<std::shared_ptr<ConvBlock>, kFeatures> before_, after_;  // the up-sampling
  std::array<std::shared_ptr<Conv3x3>, kScales> heads_;
};

std::shared_ptr<MonodepthDecoder> make_decoder(const MonodepthDecoderOptions& options,
                                               const PyramidInfo& encoder, std::int64_t maps,
                                               MapKind kind, std::uint64_t seed) {
  auto network = std::make_shared<UNetDecoder>(options, encoder, maps, kind);
  initialize_convolutions(*network, ConvInit::pytorch, seed,
                          kind == MapKind::sigmoid ? "depth" : "segmentation");
  return network;
}

/// Squeezes the last feature, three convolutions, and the mean over all positions.
class PoseDecoder : public torch::nn::Module {
 public:
  PoseDecoder(std::int64_t in, std::int64_t width) {
    auto net = register_module("net", std::make_shared<ModuleGroup>());
    const ConvOptions wide{.in = width, .out = width, .kernel = 3, .padding = 1, .bias = true};
    squeeze_ =
        net->add("0", std::make_shared<Conv2d>(ConvOptions{.in = in, .out = width, .bias = true}));
    first_ = net->add("1", std::make_shared<Conv2d>(wide));
    second_ = net->add("2", std::make_shared<Conv2d>(wide));
    third_ = net->add(
        "3", std::make_shared<Conv2d>(ConvOptions{.in = width, .out = kMotions, .bias = true}));
  }

  at::Tensor forward(const at::Tensor& feature) {
    constexpr double kScale = 0.01;
    constexpr std::array<std::int64_t, 2> kPositions{2, 3};
    at::Tensor x = squeeze_->forward(feature).relu_();
    x = first_->forward(x).relu_();
    x = second_->forward(x).relu_();
    return (kScale * third_->forward(x).mean(kPositions)).view({-1, 2, kMotions / 2});
  }

 private:
  static constexpr std::int64_t kMotions = 12;
  std::shared_ptr<Conv2d> squeeze_, first_, second_, third_;
};

class PoseNetwork : public PoseNet {
 public:
  PoseNetwork(const PoseNetOptions& options, std::uint64_t seed)
      : encoder_(register_module("pose_encoder",
                                 make_monodepth_encoder(options.encoder, /*frames=*/2, seed))),
        decoder_(register_module("pose", std::make_shared<PoseDecoder>(
                                             encoder_->pyramid().channels.back(), options.width))) {
    initialize_convolutions(*decoder_, ConvInit::pytorch, seed, "pose");
  }

  at::Tensor forward(const at::Tensor& pairs) override {
    return decoder_->forward(encoder_->forward(pairs).back());
  }
  [[nodiscard]] const std::optional<LoadReport>& encoder_weights() const override {
    return encoder_->weights();
  }

 private:
  std::shared_ptr<MonodepthEncoder> encoder_;
  std::shared_ptr<PoseDecoder> decoder_;
};

/// (N, 3, 3) by Rodrigues' formula.
at::Tensor rotation_of(const at::Tensor& axis_angle) {
  const at::Tensor angle = axis_angle.norm(2, /*dim=*/{1}, /*keepdim=*/true);
  const at::Tensor axis = axis_angle / (angle + 1e-7);
  const at::Tensor zero = at::zeros_like(angle);
  const at::Tensor x = axis.narrow(1, 0, 1), y = axis.narrow(1, 1, 1), z = axis.narrow(1, 2, 1);
  const at::Tensor cross = at::cat({zero, -z, y, z, zero, -x, -y, x, zero}, 1).view({-1, 3, 3});
  const at::Tensor cosine = at::cos(angle).unsqueeze(2);
  const at::Tensor sine = at::sin(angle).unsqueeze(2);
  const at::Tensor outer = axis.unsqueeze(2) * axis.unsqueeze(1);
  return cosine * at::eye(3, axis_angle.options()) + (1 - cosine) * outer + sine * cross;
}

}  // namespace

std::shared_ptr<MonodepthEncoder> make_monodepth_encoder(const MonodepthEncoderOptions& options,
                                                         std::int64_t frames, std::uint64_t seed) {
  return std::make_shared<Encoder>(options, frames, seed);
}

std::shared_ptr<MonodepthDecoder> make_depth_decoder(const MonodepthDecoderOptions& options,
                                                     const PyramidInfo& encoder,
                                                     std::uint64_t seed) {
  return make_decoder(options, encoder, /*maps=*/1, MapKind::sigmoid, seed);
}

std::shared_ptr<MonodepthDecoder> make_segmentation_decoder(const MonodepthDecoderOptions& options,
                                                            const PyramidInfo& encoder,
                                                            std::int64_t classes,
                                                            std::uint64_t seed) {
  return make_decoder(options, encoder, classes, MapKind::logits, seed);
}

std::shared_ptr<PoseNet> make_pose_net(const PoseNetOptions& options, std::uint64_t seed) {
  return std::make_shared<PoseNetwork>(options, seed);
}

at::Tensor pose_matrix(const at::Tensor& axis_angle, const at::Tensor& translation,
                       PoseDirection direction) {
  at::Tensor rotation = rotation_of(axis_angle);
  at::Tensor shift = translation.unsqueeze(2);
  if (direction == PoseDirection::inverse) {
    rotation = rotation.transpose(1, 2);
    shift = -at::matmul(rotation, shift);
  }
  const std::int64_t count = axis_angle.size(0);
  const at::Tensor last = at::eye(4, axis_angle.options()).narrow(0, 3, 1).expand({count, 1, 4});
  return at::cat({at::cat({rotation, shift}, 2), last}, 1);
}

}  // namespace dusk
