#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "dusk/base/range.hpp"
#include "dusk/nn/backbone.hpp"
#include "dusk/nn/weights.hpp"

/// The networks of Godard et al., "Digging Into Self-Supervised Monocular Depth Estimation" (2019,
/// "Monodepth2"), under the names of its public code, and the segmentation decoder that
/// DepthSegNet24 adds.
namespace dusk {

struct MonodepthEncoderOptions {
  int depth = 18;                   ///< of the ResNet
  std::filesystem::path weights{};  ///< safetensors with torchvision's names; empty: random
};

template <class Visitor>
void describe(Visitor& v, MonodepthEncoderOptions& o) {
  v.field("depth", o.depth, "of the ResNet: 18, 34, 50 or 101");
  v.field("weights", o.weights,
          "safetensors file of ResNet weights with torchvision's names; empty: random");
}

struct MonodepthDecoderOptions {
  std::int64_t width = 16;
};

template <class Visitor>
void describe(Visitor& v, MonodepthDecoderOptions& o) {
  v.field("width", o.width, "channels at full resolution, doubled by each of the four below it",
          at_least(1));
}

struct PoseNetOptions {
  MonodepthEncoderOptions encoder{};
  std::int64_t width = 256;
};

template <class Visitor>
void describe(Visitor& v, PoseNetOptions& o) {
  v.section("encoder", o.encoder, "ResNet that sees two pictures");
  v.field("width", o.width, "channels of the convolutions behind the encoder", at_least(1));
}

/// A ResNet with its stem's output. Names `encoder.conv1.weight`, `encoder.layer1.0.bn1.bias`, ...
/// It has batch norms (`set_batch_norm_mode`).
class MonodepthEncoder : public torch::nn::Module {
 public:
  /// images (N, 3 frames, H, W), RGB in [0, 1] without normalisation (a relit picture may leave
  /// the range), to the features f0..f4 at strides 2, 4, 8, 16, 32: 64, 64, 128, 256 and 512
  /// channels for depth 18. `ConfigError` where 32 does not divide H and W.
  virtual std::vector<at::Tensor> forward(const at::Tensor& images) = 0;
  [[nodiscard]] virtual PyramidInfo pyramid() const = 0;
  /// What was loaded, if anything; for the log.
  [[nodiscard]] virtual const std::optional<LoadReport>& weights() const = 0;
};

/// For `frames` pictures side by side in the channels. Starts as `make_resnet` or, where a file is
/// given, with ImageNet's weights; its first convolution is then repeated for every picture and
/// divided by their number.
std::shared_ptr<MonodepthEncoder> make_monodepth_encoder(const MonodepthEncoderOptions& options,
                                                         std::int64_t frames = 1,
                                                         std::uint64_t seed = 0);

/// The U-Net decoder. Names `decoder.{0..9}.conv.conv` from coarse to fine, then the heads
/// `decoder.{10..13}.conv` from fine to coarse.
class MonodepthDecoder : public torch::nn::Module {
 public:
  /// f0..f4 to maps at scales s = 0..3: (N, C, H / 2^s, W / 2^s). H and W are 64 at least: borders
  /// are mirrored, which takes two rows.
  virtual std::vector<at::Tensor> forward(const std::vector<at::Tensor>& features) = 0;
};

/// One map of disparities in (0, 1). `encoder` says what the features are. Starts as in Python
/// PyTorch.
std::shared_ptr<MonodepthDecoder> make_depth_decoder(const MonodepthDecoderOptions& options,
                                                     const PyramidInfo& encoder,
                                                     std::uint64_t seed = 0);

/// Logits for each class. Its initial values are not those of the depth decoder of the same seed.
std::shared_ptr<MonodepthDecoder> make_segmentation_decoder(const MonodepthDecoderOptions& options,
                                                            const PyramidInfo& encoder,
                                                            std::int64_t classes,
                                                            std::uint64_t seed = 0);

/// Names `pose_encoder.encoder.*` and `pose.net.{0..3}`: the public code's two files.
class PoseNet : public torch::nn::Module {
 public:
  /// pairs (N, 6, H, W), two pictures as `MonodepthEncoder` takes them in the order of time, to
  /// (N, 2, 6): axis-angle (radians) and translation of the camera from the first to the second.
  /// Only entry [:, 0] is used; the other is part of the published weights.
  virtual at::Tensor forward(const at::Tensor& pairs) = 0;
  [[nodiscard]] virtual const std::optional<LoadReport>& encoder_weights() const = 0;
};

std::shared_ptr<PoseNet> make_pose_net(const PoseNetOptions& options, std::uint64_t seed = 0);

enum class PoseDirection { forward, inverse };

/// Rigid motions (N, 4, 4) from axis-angles v (N, 3) and translations t (N, 3): [R | t] with R by
/// Rodrigues' formula about v / (|v| + 1e-7), or its inverse [R' | -R' t]. Finite gradient at v =
/// 0.
at::Tensor pose_matrix(const at::Tensor& axis_angle, const at::Tensor& translation,
                       PoseDirection direction = PoseDirection::forward);

}  // namespace dusk
