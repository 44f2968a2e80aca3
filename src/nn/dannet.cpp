#include "dusk/nn/dannet.hpp"

#include <torch/types.h>

#include <array>

#include "nn/resnet_generator.hpp"

namespace dusk {
namespace {

class RelightingNetwork : public LightNet {
 public:
  explicit RelightingNetwork(const LightNetOptions& options)
      : model_(register_module("model", std::make_shared<ResnetGenerator>(ResnetGeneratorOptions{
                                            .width = options.width,
                                            .downsamplings = options.n_down,
                                            .residual_blocks = options.n_blocks,
                                            .norm = GeneratorNorm::batch}))) {}

  at::Tensor forward(const at::Tensor& images) override {
    return model_->forward(images, "LightNet");
  }

 private:
  std::shared_ptr<ResnetGenerator> model_;
};

/// Five 4x4 convolutions with leaky ReLU between them.
class MapDiscriminator : public OutputDiscriminator {
 public:
  MapDiscriminator(const OutputDiscriminatorOptions& options, std::int64_t classes) {
    const std::int64_t width = options.width;
    const std::array<std::int64_t, 6> channels{classes, width, 2 * width, 4 * width, 4 * width, 1};
    constexpr std::array<std::int64_t, 5> kStrides{2, 2, 1, 1, 1};
    constexpr std::array<const char*, 5> kNames{"conv1", "conv2", "conv3", "conv4", "classifier"};
    for (std::size_t i = 0; i < convs_.size(); ++i) {
      convs_[i] =
          register_module(kNames[i], std::make_shared<Conv2d>(ConvOptions{.in = channels[i],
                                                                          .out = channels[i + 1],
                                                                          .kernel = 4,
                                                                          .stride = kStrides[i],
                                                                          .padding = 1,
                                                                          .bias = true}));
    }
  }

  at::Tensor forward(const at::Tensor& maps) override {
    at::Tensor x = maps;
    for (std::size_t i = 0; i + 1 < convs_.size(); ++i) x = leaky_rectify(convs_[i]->forward(x));
    return convs_.back()->forward(x);
  }

 private:
  std::array<std::shared_ptr<Conv2d>, 5> convs_;
};

}  // namespace

std::shared_ptr<LightNet> make_light_net(const LightNetOptions& options, std::uint64_t seed) {
  auto network = std::make_shared<RelightingNetwork>(options);
  initialize_convolutions(*network, ConvInit::pytorch, seed);
  return network;
}

std::shared_ptr<OutputDiscriminator> make_output_discriminator(
    const OutputDiscriminatorOptions& options, std::int64_t classes, std::uint64_t seed) {
  auto network = std::make_shared<MapDiscriminator>(options, classes);
  initialize_convolutions(*network, ConvInit::pytorch, seed);
  return network;
}

}  // namespace dusk
