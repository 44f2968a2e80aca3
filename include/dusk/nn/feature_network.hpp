#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace dusk {

/// Networks whose features pictures are compared by.
enum class FeatureKind {
  inception,              ///< the FID Inception-v3; needs the file of its weights
  inception_torchvision,  ///< torchvision's, likewise: other distances
  mobilenet_v2,           ///< coarsest level of the backbone; without a file it is random
  resnet18,
  resnet50,
};

constexpr std::array<std::pair<std::string_view, FeatureKind>, 5> names_of(FeatureKind) {
  return {{{"inception", FeatureKind::inception},
           {"inception_torchvision", FeatureKind::inception_torchvision},
           {"mobilenet_v2", FeatureKind::mobilenet_v2},
           {"resnet18", FeatureKind::resnet18},
           {"resnet50", FeatureKind::resnet50}}};
}

/// A fixed network in evaluation mode, on the CPU until it is moved.
class FeatureNetwork {
 public:
  /// `weights`: a file for `read_weights`; empty: values of seed 0, which compare pictures, too,
  /// but mean nothing to anybody else. `ConfigError` for an Inception without its file, and for a
  /// file of another network.
  FeatureNetwork(FeatureKind kind, const std::filesystem::path& weights);

  /// pictures (N, 3, H, W), RGB in [0, 1] -> (N, D, h, w). Inception sees them at 299 x 299
  /// (bilinear without anti-aliasing), backbones as they are.
  [[nodiscard]] at::Tensor map(const at::Tensor& pictures);
  /// Their means over the map, (N, D).
  [[nodiscard]] at::Tensor pooled(const at::Tensor& pictures) { return map(pictures).mean({2, 3}); }

  void to(const c10::Device& device) { module_->to(device); }

  /// For whoever reads the numbers: "FID Inception-v3, weights FILE (checksum 0123...)".
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Whether distances are those of the literature.
  [[nodiscard]] bool is_fid() const { return kind_ == FeatureKind::inception; }

 private:
  FeatureKind kind_;
  std::string name_;
  std::shared_ptr<torch::nn::Module> module_;
  std::function<at::Tensor(const at::Tensor&)> features_;
};

}  // namespace dusk
