#include "dusk/nn/cyclegan.hpp"

#include <torch/types.h>

#include <array>

#include "nn/resnet_generator.hpp"

namespace dusk {
namespace {

class Generator : public CycleGanGenerator {
 public:
  explicit Generator(const CycleGanGeneratorOptions& options)
      : model_(register_module("model", std::make_shared<ResnetGenerator>(ResnetGeneratorOptions{
                                            .width = options.width,
                                            .residual_blocks = options.residual_blocks,
                                            .norm = GeneratorNorm::instance,
                                            .global_skip = options.global_skip}))) {}

  at::Tensor forward(const at::Tensor& images) override {
    return model_->forward(images, "CycleGAN's generator");
  }

 private:
  std::shared_ptr<ResnetGenerator> model_;
};

/// Five 4x4 convolutions; those between the first and the last have an instance norm.
class PatchGan : public PatchDiscriminator {
 public:
  explicit PatchGan(const PatchDiscriminatorOptions& options) {
    const std::int64_t width = options.width;
    const std::array<std::int64_t, 6> channels{3, width, 2 * width, 4 * width, 8 * width, 1};
    constexpr std::array<std::int64_t, 5> kStrides{2, 2, 2, 1, 1};
    // Behind the first only its activation is counted, behind the others norm and activation.
    constexpr std::array<int, 5> kIndices{0, 2, 5, 8, 11};
    auto group = register_module("model", std::make_shared<ModuleGroup>());
    for (std::size_t i = 0; i < convs_.size(); ++i) {
      convs_[i] = group->add(std::to_string(kIndices[i]),
                             std::make_shared<Conv2d>(ConvOptions{.in = channels[i],
                                                                  .out = channels[i + 1],
                                                                  .kernel = 4,
                                                                  .stride = kStrides[i],
                                                                  .padding = 1,
                                                                  .bias = true}));
    }
  }

  at::Tensor forward(const at::Tensor& images) override {
    at::Tensor x = leaky_rectify(convs_.front()->forward(images));
    for (std::size_t i = 1; i + 1 < convs_.size(); ++i) {
      x = leaky_rectify(instance_norm(convs_[i]->forward(x), Activation::none));
    }
    return convs_.back()->forward(x);
  }

 private:
  std::array<std::shared_ptr<Conv2d>, 5> convs_;
};

}  // namespace

std::shared_ptr<CycleGanGenerator> make_cyclegan_generator(const CycleGanGeneratorOptions& options,
                                                           std::uint64_t seed) {
  auto network = std::make_shared<Generator>(options);
  initialize_convolutions(*network, ConvInit::gan, seed);
  return network;
}

std::shared_ptr<PatchDiscriminator> make_patch_discriminator(
    const PatchDiscriminatorOptions& options, std::uint64_t seed) {
  auto network = std::make_shared<PatchGan>(options);
  initialize_convolutions(*network, ConvInit::gan, seed);
  return network;
}

}  // namespace dusk
