#include "dusk/nn/daformer_head.hpp"

#include <torch/types.h>

#include <array>
#include <functional>
#include <string>

#include "dusk/base/error.hpp"
#include "nn/mmseg_parts.hpp"
#include "nn/pieces.hpp"
#include "nn/random_layers.hpp"

namespace dusk {
namespace {

constexpr std::array<std::int64_t, 4> kDilations{1, 6, 12, 18};

/// Depthwise 3x3 and pointwise convolution, each with norm and ReLU.
class SeparableConv : public torch::nn::Module {
 public:
  SeparableConv(std::int64_t in, std::int64_t out, std::int64_t dilation)
      : depthwise_(register_module("depthwise_conv",
                                   std::make_shared<ConvNorm>(ConvOptions{.in = in,
                                                                          .out = in,
                                                                          .kernel = 3,
                                                                          .padding = dilation,
                                                                          .dilation = dilation,
                                                                          .groups = in},
                                                              Activation::relu))),
        pointwise_(register_module(
            "pointwise_conv",
            std::make_shared<ConvNorm>(ConvOptions{.in = in, .out = out}, Activation::relu))) {}

  at::Tensor forward(const at::Tensor& x) { return pointwise_->forward(depthwise_->forward(x)); }
  [[nodiscard]] ConvNorm& depthwise() { return *depthwise_; }
  [[nodiscard]] ConvNorm& pointwise() { return *pointwise_; }

 private:
  std::shared_ptr<ConvNorm> depthwise_, pointwise_;
};

/// Atrous spatial pyramid pooling without the picture's mean, and the 3x3 convolution that joins
/// its branches.
class SeparableAspp : public torch::nn::Module {
 public:
  SeparableAspp(std::int64_t in, std::int64_t channels) : in_(in) {
    auto branches = register_module("aspp_modules", std::make_shared<ModuleGroup>());
    pointwise_ = branches->add(
        "0", std::make_shared<ConvNorm>(ConvOptions{.in = in, .out = channels}, Activation::relu));
    for (std::size_t i = 1; i < kDilations.size(); ++i) {
      dilated_.push_back(branches->add(
          std::to_string(i), std::make_shared<SeparableConv>(in, channels, kDilations[i])));
    }
    const auto count = static_cast<std::int64_t>(kDilations.size());
    bottleneck_ = register_module(
        "bottleneck",
        std::make_shared<ConvNorm>(
            ConvOptions{.in = count * channels, .out = channels, .kernel = 3, .padding = 1},
            Activation::relu));
  }

  [[nodiscard]] std::int64_t in() const { return in_; }

  at::Tensor forward(const at::Tensor& x) {
    std::vector<at::Tensor> branches{pointwise_->forward(x)};
    for (const auto& branch : dilated_) branches.push_back(branch->forward(x));
    return bottleneck_->forward(at::cat(branches, 1));
  }

  /// The same without gradients, of an input that is never whole: `input` makes a piece of it,
  /// twice where norms take statistics of the batch.
  at::Tensor forward(const std::vector<Piece>& pieces,
                     const std::function<at::Tensor(const Piece&)>& input) {
    std::vector<at::Tensor> joined;
    if (bottleneck_->norm().is_affine()) {
      for (const Piece& piece : pieces) joined.push_back(forward(input(piece)));
    } else {
      joined = by_batch_statistics(pieces, input);
    }
    return joined.size() == 1 ? joined.front() : at::cat(joined);
  }

 private:
  /// Norm after norm. Kept are the convolutions behind which a norm has the channels of one branch.
  std::vector<at::Tensor> by_batch_statistics(
      const std::vector<Piece>& pieces, const std::function<at::Tensor(const Piece&)>& input) {
    std::vector<ConvNormPieces> depthwise;
    std::vector<ConvNormPieces> pointwise{ConvNormPieces(*pointwise_)};
    for (const auto& branch : dilated_) {
      depthwise.emplace_back(branch->depthwise());
      pointwise.emplace_back(branch->pointwise());
    }
    for (const Piece& piece : pieces) {
      const at::Tensor x = input(piece);
      for (ConvNormPieces& layer : depthwise) layer.convolve(x);
    }
    for (ConvNormPieces& layer : depthwise) layer.settle();

    std::vector<std::vector<at::Tensor>> branches;
    for (const Piece& piece : pieces) {
      const at::Tensor x = input(piece);
      auto& kept = branches.emplace_back();
      kept.push_back(pointwise.front().convolve(x));
      for (std::size_t i = 0; i < depthwise.size(); ++i) {
        kept.push_back(pointwise[i + 1].convolve(depthwise[i].forward(x)));
      }
    }
    for (ConvNormPieces& layer : pointwise) layer.settle();

    ConvNormPieces bottleneck(*bottleneck_);
    std::vector<at::Tensor> joined;
    for (auto& kept : branches) {
      for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = pointwise[i].finish(kept[i]);
      joined.push_back(bottleneck.convolve(at::cat(kept, 1)));
      kept.clear();
    }
    bottleneck.settle();
    for (at::Tensor& piece : joined) piece = bottleneck.finish(piece);
    return joined;
  }

  std::int64_t in_;
  std::shared_ptr<ConvNorm> pointwise_;
  std::vector<std::shared_ptr<SeparableConv>> dilated_;
  std::shared_ptr<ConvNorm> bottleneck_;
};

class DaformerHead : public Decoder {
 public:
  DaformerHead(const DaformerHeadOptions& options, const PyramidInfo& pyramid,
               std::int64_t classes) {
    auto embeddings = register_module("embed_layers", std::make_shared<ModuleGroup>());
    for (const std::int64_t channels : pyramid.channels) {
      embed_.push_back(
          embeddings->add(std::to_string(embed_.size()),
                          std::make_shared<LevelEmbedding>(channels, options.embed_channels)));
    }
    const auto levels = static_cast<std::int64_t>(embed_.size());
    fuse_ = register_module("fuse_layer", std::make_shared<SeparableAspp>(
                                              levels * options.embed_channels, options.channels));
    dropout_ = register_module("dropout",
                               std::make_shared<Dropout>(options.dropout, Dropout::Of::channels));
    classifier_ =
        register_module("conv_seg", std::make_shared<Conv2d>(ConvOptions{
                                        .in = options.channels, .out = classes, .bias = true}));
  }

  at::Tensor forward(const std::vector<at::Tensor>& levels) override {
    return classifier_->forward(dropout_->forward(fused(levels)));
  }

 private:
  /// Without gradients in pieces: before the classifier there are 4 to 16 times as many channels as
  /// after the fusion.
  at::Tensor fused(const std::vector<at::Tensor>& levels) {
    if (at::GradMode::is_enabled()) {
      return fuse_->forward(embedded(levels, {.first = 0, .count = levels[0].size(0)}));
    }
    const std::int64_t values = fuse_->in() * levels[0].size(2) * levels[0].size(3);
    return fuse_->forward(pieces_of(levels[0], values),
                          [&](const Piece& piece) { return embedded(levels, piece); });
  }

  at::Tensor embedded(const std::vector<at::Tensor>& levels, const Piece& piece) {
    const Grid finest{levels[0].size(2), levels[0].size(3)};
    std::vector<at::Tensor> embedded;
    for (std::size_t i = 0; i < embed_.size(); ++i) {
      embedded.push_back(embed_[i]->forward(piece.of(levels[i]), finest));
    }
    return at::cat(embedded, 1);
  }

  std::vector<std::shared_ptr<LevelEmbedding>> embed_;
  std::shared_ptr<SeparableAspp> fuse_;
  std::shared_ptr<Dropout> dropout_;
  std::shared_ptr<Conv2d> classifier_;
};

}  // namespace

std::shared_ptr<Decoder> make_daformer_head(const DaformerHeadOptions& options,
                                            const PyramidInfo& pyramid, std::int64_t classes,
                                            std::uint64_t seed) {
  if (pyramid.channels.empty()) fail<ConfigError>("the DAFormer head needs a level, got none");
  auto head = std::make_shared<DaformerHead>(options, pyramid, classes);
  initialize_head(*head, seed);
  return head;
}

}  // namespace dusk
