#include "dusk/nn/feature_network.hpp"

#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/io/tensor_file.hpp"
#include "dusk/nn/inception_v3.hpp"
#include "dusk/nn/mobilenet_v2.hpp"
#include "dusk/nn/resnet.hpp"

namespace dusk {
namespace {

std::string title_of(FeatureKind kind) {
  switch (kind) {
    case FeatureKind::inception:
      return "FID Inception-v3";
    case FeatureKind::inception_torchvision:
      return "torchvision Inception-v3 (distances are not comparable with FID)";
    case FeatureKind::mobilenet_v2:
      return "MobileNetV2";
    case FeatureKind::resnet18:
      return "ResNet-18";
    case FeatureKind::resnet50:
      return "ResNet-50";
  }
  fail<InternalError>("unknown network of features");
}

std::string name_of_weights(const std::filesystem::path& weights) {
  if (weights.empty()) return "random weights of seed 0";
  const MappedFile file(weights);
  return fmt::format("weights {} ({})", weights.filename().string(),
                     to_hex(checksum64(file.bytes())));
}

std::shared_ptr<Backbone> make(FeatureKind kind) {
  if (kind == FeatureKind::mobilenet_v2) return make_mobilenet_v2();
  return make_resnet({.depth = kind == FeatureKind::resnet18 ? 18 : 50});
}

/// ImageNet's mean and deviation, as published backbones want it.
at::Tensor normalised(const at::Tensor& pictures) {
  const auto row = [&](std::array<float, 3> values) {
    return torch::tensor(at::ArrayRef<float>(values)).view({1, 3, 1, 1}).to(pictures.device());
  };
  return (pictures - row({0.485F, 0.456F, 0.406F})) / row({0.229F, 0.224F, 0.225F});
}

}  // namespace

FeatureNetwork::FeatureNetwork(FeatureKind kind, const std::filesystem::path& weights)
    : kind_(kind) {
  const bool is_inception =
      kind == FeatureKind::inception || kind == FeatureKind::inception_torchvision;
  if (is_inception && weights.empty())
    fail<ConfigError>(
        "{} needs the file of its weights; without one choose a backbone, whose random features "
        "compare pictures, too, but give other distances",
        title_of(kind));
  if (is_inception) {
    const auto network = make_inception_v3(
        kind == FeatureKind::inception ? InceptionForm::fid : InceptionForm::torchvision);
    load_weights(*network, *read_weights(weights), InceptionV3::load_policy());
    module_ = network;
    features_ = [network](const at::Tensor& x) { return network->features(inception_input(x)); };
  } else {
    const auto network = make(kind);
    if (!weights.empty()) {
      const auto file = read_weights(weights);
      load_weights(*network, *file, network->load_policy(*file));
    }
    module_ = network;
    features_ = [network](const at::Tensor& x) { return network->features(normalised(x)).back(); };
  }
  module_->eval();
  name_ = title_of(kind) + ", " + name_of_weights(weights);
}

at::Tensor FeatureNetwork::map(const at::Tensor& pictures) {
  if (pictures.dim() != 4 || pictures.size(1) != 3)
    fail<InternalError>("features of pictures with {} dimensions, need (N, 3, H, W)",
                        pictures.dim());
  return features_(pictures);
}

}  // namespace dusk
