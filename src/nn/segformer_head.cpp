#include "dusk/nn/segformer_head.hpp"

#include <torch/types.h>

#include <array>

#include "dusk/base/error.hpp"
#include "nn/mmseg_parts.hpp"
#include "nn/random_layers.hpp"

namespace dusk {
namespace {

constexpr std::size_t kLevels = 4;

class SegformerHead : public Decoder {
 public:
  SegformerHead(const SegformerHeadOptions& options, const PyramidInfo& pyramid,
                std::int64_t classes) {
    for (std::size_t i = kLevels; i-- > 0;) {
      embed_[i] =
          register_module(fmt::format("linear_c{}", i + 1),
                          std::make_shared<LevelEmbedding>(pyramid.channels[i], options.channels));
    }
    fuse_ = register_module(
        "linear_fuse",
        std::make_shared<ConvNorm>(
            ConvOptions{.in = std::int64_t{kLevels} * options.channels, .out = options.channels},
            Activation::relu));
    dropout_ = register_module("dropout",
                               std::make_shared<Dropout>(options.dropout, Dropout::Of::channels));
    classifier_ =
        register_module("linear_pred", std::make_shared<Conv2d>(ConvOptions{
                                           .in = options.channels, .out = classes, .bias = true}));
  }

  at::Tensor forward(const std::vector<at::Tensor>& levels) override {
    const Grid finest{levels[0].size(2), levels[0].size(3)};
    std::vector<at::Tensor> embedded;  // the coarsest first: published weights expect this order
    for (std::size_t i = kLevels; i-- > 0;) {
      embedded.push_back(embed_[i]->forward(levels[i], finest));
    }
    const at::Tensor fused = fuse_->forward(at::cat(embedded, 1));
    return classifier_->forward(dropout_->forward(fused));
  }

 private:
  std::array<std::shared_ptr<LevelEmbedding>, kLevels> embed_;
  std::shared_ptr<ConvNorm> fuse_;
  std::shared_ptr<Dropout> dropout_;
  std::shared_ptr<Conv2d> classifier_;
};

}  // namespace

std::shared_ptr<Decoder> make_segformer_head(const SegformerHeadOptions& options,
                                             const PyramidInfo& pyramid, std::int64_t classes,
                                             std::uint64_t seed) {
  if (pyramid.channels.size() != kLevels) {
    fail<ConfigError>("the SegFormer head needs a backbone of {} levels, this one has {}", kLevels,
                      pyramid.channels.size());
  }
  auto head = std::make_shared<SegformerHead>(options, pyramid, classes);
  initialize_head(*head, seed);
  return head;
}

}  // namespace dusk
