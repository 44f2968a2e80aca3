#include "dusk/nn/vgg16.hpp"

#include <fmt/format.h>
#include <torch/types.h>

#include <array>
#include <string>

#include "dusk/base/error.hpp"
#include "nn/layers.hpp"

namespace dusk {
namespace {

struct BlockForm {
  int convs;
  std::int64_t channels;
};
/// Configuration D of the paper's table 1.
constexpr std::array<BlockForm, 5> kBlocks{{{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}};

class Vgg16Impl : public Vgg16 {
 public:
  explicit Vgg16Impl(const Vgg16Options& options) : options_(options) {
    auto features = register_module("features", std::make_shared<ModuleGroup>());
    std::int64_t in = 3;
    int index = 0;  // torchvision counts convolution, ReLU and pooling
    for (std::size_t i = 0; i < static_cast<std::size_t>(options.blocks); ++i) {
      blocks_.emplace_back();
      for (int j = 0; j < kBlocks[i].convs; ++j, index += 2) {
        const ConvOptions conv{
            .in = in, .out = kBlocks[i].channels, .kernel = 3, .padding = 1, .bias = true};
        const std::string number = std::to_string(index);
        blocks_.back().push_back(features->add(number, std::make_shared<Conv2d>(conv)));
        caffe_names_.push_back(
            {fmt::format("conv{}_{}.*", i + 1, j + 1), fmt::format("features.{}.*", number)});
        in = kBlocks[i].channels;
      }
      ++index;
    }
  }

  Vgg16Maps forward(const at::Tensor& images) override {
    Vgg16Maps maps;
    at::Tensor x = images;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      for (const auto& conv : blocks_[i]) {
        x = conv->forward(x);
        x = at::relu_(x);
      }
      maps.rectified.push_back(x);
      if (i >= static_cast<std::size_t>(options_.pools)) continue;
      x = at::max_pool2d(x, 2, 2);
      maps.pooled.push_back(x);
    }
    return maps;
  }

  [[nodiscard]] LoadPolicy load_policy() const override {
    return {.renames = caffe_names_,
            .allowed_extra = {"classifier.*", "features.*", "conv*", "fc*"},
            .allowed_missing = {},
            .allow_reshape = false};
  }

  void initialize(std::uint64_t seed) {
    initialize_backbone(*this, seed);
    for (const auto& block : blocks_) {
      for (const auto& conv : block) constant(conv->bias(), 0);
    }
  }

 private:
  Vgg16Options options_;
  std::vector<std::vector<std::shared_ptr<Conv2d>>> blocks_;
  std::vector<NameRule> caffe_names_;
};

}  // namespace

std::shared_ptr<Vgg16> make_vgg16(const Vgg16Options& options, std::uint64_t seed) {
  if (options.blocks < 1 || options.blocks > 5 || options.pools < 0 ||
      options.pools > options.blocks) {
    fail<InternalError>("VGG-16 of {} blocks with {} pools", options.blocks, options.pools);
  }
  auto network = std::make_shared<Vgg16Impl>(options);
  network->initialize(seed);
  return network;
}

at::Tensor caffe_input(const at::Tensor& images) {
  const at::Tensor mean = at::tensor({103.939, 116.779, 123.680}, images.options());
  return (images.flip(1) + 1) * 127.5 - mean.view({1, 3, 1, 1});
}

}  // namespace dusk
