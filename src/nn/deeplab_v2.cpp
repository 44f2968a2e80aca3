#include "dusk/nn/deeplab_v2.hpp"

#include <torch/types.h>

#include <string>

#include "nn/layers.hpp"

namespace dusk {
namespace {

constexpr std::array<std::int64_t, 4> kDilations{6, 12, 18, 24};

/// Atrous spatial pyramid pooling in the form that is a classifier itself: the sum of 3x3
/// convolutions with other dilations.
class AtrousPyramid : public torch::nn::Module {
 public:
  AtrousPyramid(std::int64_t in, std::int64_t classes, int branches) {
    auto list = register_module("conv2d_list", std::make_shared<ModuleGroup>());
    for (std::size_t i = 0; i < kDilations.size(); ++i) {
      auto branch = std::make_shared<Conv2d>(ConvOptions{.in = in,
                                                         .out = classes,
                                                         .kernel = 3,
                                                         .padding = kDilations[i],
                                                         .dilation = kDilations[i],
                                                         .bias = true});
      list->add(std::to_string(i), branch);
      if (i < static_cast<std::size_t>(branches)) {
        branches_.push_back(branch);
      } else {
        branch->weight().requires_grad_(false);
        branch->bias().requires_grad_(false);
      }
    }
  }

  at::Tensor forward(const at::Tensor& x) {
    at::Tensor sum = branches_[0]->forward(x);
    for (std::size_t i = 1; i < branches_.size(); ++i) sum.add_(branches_[i]->forward(x));
    return sum;
  }

  void initialize(const InitKey& key) {
    for (auto& item : named_modules(std::string(key.name))) {
      if (auto* conv = item.value()->as<Conv2d>()) {
        normal(conv->weight(), 0.01, {key.seed, item.key()});
        constant(conv->bias(), 0);
      }
    }
  }

 private:
  std::vector<std::shared_ptr<Conv2d>> branches_;
};

class DeepLabV2Decoder : public Decoder {
 public:
  DeepLabV2Decoder(const DeepLabV2Options& options, const PyramidInfo& pyramid,
                   std::int64_t classes)
      : auxiliary_weight_(options.auxiliary_weight) {
    const auto head = [&](const char* name, std::int64_t in) {
      return register_module(name,
                             std::make_shared<AtrousPyramid>(in, classes, options.aspp_branches));
    };
    const std::int64_t last = pyramid.channels.at(3);
    if (options.form == DeepLabV2Form::caffe) {
      auxiliary_ = head("layer5", pyramid.channels.at(2));
      main_ = head("layer6", last);
    } else {
      main_ = head("head", last);
    }
  }

  at::Tensor forward(const std::vector<at::Tensor>& levels) override {
    return main_->forward(levels.at(3));
  }
  at::Tensor auxiliary(const std::vector<at::Tensor>& levels) override {
    return auxiliary_ ? auxiliary_->forward(levels.at(2)) : at::Tensor();
  }
  [[nodiscard]] double auxiliary_weight() const override {
    return auxiliary_ ? auxiliary_weight_ : 0;
  }

  void initialize(std::uint64_t seed) {
    if (auxiliary_) auxiliary_->initialize({seed, "layer5"});
    main_->initialize({seed, auxiliary_ ? "layer6" : "head"});
  }

 private:
  double auxiliary_weight_;
  std::shared_ptr<AtrousPyramid> main_;
  std::shared_ptr<AtrousPyramid> auxiliary_;  ///< null: none
};

}  // namespace

ResNetOptions deeplab_v2_backbone(const DeepLabV2Options& options, int depth) {
  if (options.form == DeepLabV2Form::caffe) {
    return {.depth = depth,
            .output_stride = 8,
            .stride_on_1x1 = true,
            .ceil_pool = true,
            .trains_block_norms = false};
  }
  return {.depth = depth, .stem = ResNetStem::v1c, .output_stride = 8, .zero_last_norms = true};
}

std::shared_ptr<Decoder> make_deeplab_v2_decoder(const DeepLabV2Options& options,
                                                 const PyramidInfo& pyramid, std::int64_t classes,
                                                 std::uint64_t seed) {
  auto decoder = std::make_shared<DeepLabV2Decoder>(options, pyramid, classes);
  decoder->initialize(seed);
  return decoder;
}

}  // namespace dusk
