#include "dusk/nn/pspnet.hpp"

#include <torch/types.h>

#include <array>
#include <string>

#include "nn/layers.hpp"
#include "nn/random_layers.hpp"

namespace dusk {
namespace {

constexpr std::array<std::int64_t, 4> kBins{1, 2, 3, 6};
constexpr std::int64_t kWidth = 512;  // of every pooled branch and of the two heads

/// 3x3 convolution "0", batch norm "1" and dropout of channels "2", as both heads begin.
class ConvNormDropout : public torch::nn::Module {
 public:
  ConvNormDropout(std::int64_t in, bool bias, double dropout)
      : conv_(register_module(
            "0", std::make_shared<Conv2d>(ConvOptions{
                     .in = in, .out = kWidth, .kernel = 3, .padding = 1, .bias = bias}))),
        norm_(register_module("1", std::make_shared<BatchNorm2d>(kWidth))),
        dropout_(register_module("2", std::make_shared<Dropout>(dropout, Dropout::Of::channels))) {}

  at::Tensor forward(const at::Tensor& x) {
    return dropout_->forward(conv_norm(x, *conv_, *norm_, Activation::none));
  }

 private:
  std::shared_ptr<Conv2d> conv_;
  std::shared_ptr<BatchNorm2d> norm_;
  std::shared_ptr<Dropout> dropout_;
};

/// The pyramid pooling module (the paper's figure 3c): averages over 1x1, 2x2, 3x3 and 6x6 bins,
/// each reduced by a 1x1 convolution and stretched over the map, beside the map itself.
class PyramidPooling : public torch::nn::Module {
 public:
  PyramidPooling(std::int64_t in, double dropout) {
    auto stages = register_module("stages", std::make_shared<ModuleGroup>());
    for (std::size_t i = 0; i < kBins.size(); ++i) {
      auto stage = stages->add(std::to_string(i), std::make_shared<ModuleGroup>());
      reduce_[i] = stage->add("1", std::make_shared<Conv2d>(ConvOptions{.in = in, .out = kWidth}));
    }
    bottleneck_ = register_module(
        "bottleneck", std::make_shared<ConvNormDropout>(in + kWidth * std::int64_t{kBins.size()},
                                                        false, dropout));
  }

  at::Tensor forward(const at::Tensor& x) {
    const auto format = x.suggest_memory_format();
    std::vector<at::Tensor> parts;
    for (std::size_t i = 0; i < kBins.size(); ++i) {
      const at::Tensor pooled = at::adaptive_avg_pool2d(x, {kBins[i], kBins[i]});
      parts.push_back(at::upsample_bilinear2d(reduce_[i]->forward(pooled), {x.size(2), x.size(3)},
                                              /*align_corners=*/true)
                          .contiguous(format));
    }
    parts.push_back(x);
    return bottleneck_->forward(at::cat(parts, 1));
  }

 private:
  std::array<std::shared_ptr<Conv2d>, kBins.size()> reduce_;
  std::shared_ptr<ConvNormDropout> bottleneck_;
};

std::shared_ptr<Conv2d> classifier(std::int64_t classes) {
  return std::make_shared<Conv2d>(ConvOptions{.in = kWidth, .out = classes, .bias = true});
}

/// Pyramid pooling "0" and classifier "1".
class PyramidHead : public torch::nn::Module {
 public:
  PyramidHead(std::int64_t in, std::int64_t classes, double dropout)
      : pooling_(register_module("0", std::make_shared<PyramidPooling>(in, dropout))),
        classifier_(register_module("1", classifier(classes))) {}

  at::Tensor forward(const at::Tensor& x) { return classifier_->forward(pooling_->forward(x)); }

 private:
  std::shared_ptr<PyramidPooling> pooling_;
  std::shared_ptr<Conv2d> classifier_;
};

/// The auxiliary head: layers "0" to "2" and classifier "3".
class AuxiliaryHead : public ConvNormDropout {
 public:
  AuxiliaryHead(std::int64_t in, std::int64_t classes, double dropout)
      : ConvNormDropout(in, /*bias=*/true, dropout),
        classifier_(register_module("3", classifier(classes))) {}

  at::Tensor logits(const at::Tensor& x) { return classifier_->forward(forward(x)); }

 private:
  std::shared_ptr<Conv2d> classifier_;
};

class PspNetDecoder : public Decoder {
 public:
  PspNetDecoder(const PspNetOptions& options, const PyramidInfo& pyramid, std::int64_t classes)
      : auxiliary_weight_(options.auxiliary_weight),
        head_(register_module("head", std::make_shared<PyramidHead>(pyramid.channels.at(3), classes,
                                                                    options.dropout))),
        auxiliary_(register_module("dsn", std::make_shared<AuxiliaryHead>(
                                              pyramid.channels.at(2), classes, options.dropout))) {}

  at::Tensor forward(const std::vector<at::Tensor>& levels) override {
    return head_->forward(levels.at(3));
  }
  at::Tensor auxiliary(const std::vector<at::Tensor>& levels) override {
    return auxiliary_->logits(levels.at(2));
  }
  [[nodiscard]] double auxiliary_weight() const override { return auxiliary_weight_; }

 private:
  double auxiliary_weight_;
  std::shared_ptr<PyramidHead> head_;
  std::shared_ptr<AuxiliaryHead> auxiliary_;
};

}  // namespace

ResNetOptions pspnet_backbone(int depth) {
  return {.depth = depth, .stem = ResNetStem::deep, .output_stride = 8, .ceil_pool = true};
}

std::shared_ptr<Decoder> make_pspnet_decoder(const PspNetOptions& options,
                                             const PyramidInfo& pyramid, std::int64_t classes,
                                             std::uint64_t seed) {
  auto decoder = std::make_shared<PspNetDecoder>(options, pyramid, classes);
  initialize_like_pytorch(*decoder, {seed, "pspnet"});
  return decoder;
}

}  // namespace dusk
