#include "dusk/nn/refinenet.hpp"

#include <fmt/format.h>
#include <torch/types.h>

#include <array>
#include <string>

#include "dusk/base/error.hpp"
#include "nn/layers.hpp"
#include "nn/random_layers.hpp"

namespace dusk {
namespace {

constexpr std::size_t kPaths = 4;

std::shared_ptr<Conv2d> conv3x3(std::int64_t in, std::int64_t out, bool bias = false) {
  return std::make_shared<Conv2d>(
      ConvOptions{.in = in, .out = out, .kernel = 3, .padding = 1, .bias = bias});
}

/// Residual conv units (figure 3b) in a row, each x + conv(relu(conv(relu(x)))).
class ResidualConvUnits : public torch::nn::Module {
 public:
  ResidualConvUnits(std::int64_t width, std::size_t count) : first_(count), second_(count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string number = std::to_string(i + 1);
      first_[i] = register_module(number + "_conv", conv3x3(width, width, /*bias=*/true));
      second_[i] = register_module(number + "_conv_relu_varout_dimred", conv3x3(width, width));
    }
  }

  at::Tensor forward(at::Tensor x) {
    for (std::size_t i = 0; i < first_.size(); ++i) {
      at::Tensor y = first_[i]->forward(at::relu(x));
      y = second_[i]->forward(at::relu_(y));
      x = y.add_(x);
    }
    return x;
  }

 private:
  std::vector<std::shared_ptr<Conv2d>> first_, second_;
};

/// Chained residual pooling (figure 3d): 5x5 max-pooling and convolution, four times one after the
/// other; all results are added to the input.
class ChainedResidualPooling : public torch::nn::Module {
 public:
  explicit ChainedResidualPooling(std::int64_t width) {
    for (std::size_t i = 0; i < convs_.size(); ++i) {
      convs_[i] = register_module(fmt::format("{}_outvar_dimred", i + 1), conv3x3(width, width));
    }
  }

  at::Tensor forward(const at::Tensor& x) {
    at::Tensor sum = x;
    at::Tensor top = x;
    for (const auto& conv : convs_) {
      top = conv->forward(at::max_pool2d(top, 5, 1, 2));
      sum = at::add(sum, top);
    }
    return sum;
  }

 private:
  std::array<std::shared_ptr<Conv2d>, 4> convs_;
};

/// A RefineNet block (figure 3a) with the 3x3 convolutions before and behind it. Its layers are
/// the decoder's children.
class RefineBlock {
 public:
  /// `number` counts from the coarsest, 1.
  RefineBlock(torch::nn::Module& decoder, std::size_t number, std::int64_t in, std::int64_t width,
              std::int64_t out) {
    const auto conv = [&](const std::string& name, std::int64_t from, std::int64_t to) {
      return decoder.register_module(name, conv3x3(from, to));
    };
    const auto alone = [&](const std::string& name, auto child) {
      return decoder.register_module(name, std::make_shared<ModuleGroup>())->add("0", child);
    };
    reduce_ = conv(fmt::format("p_ims1d2_outl{}_dimred", number), in, width);
    adapt_ = alone(fmt::format("adapt_stage{}_b", number),
                   std::make_shared<ResidualConvUnits>(width, 2));
    if (number > 1) {
      fuse_ = conv(fmt::format("adapt_stage{}_b2_joint_varout_dimred", number), width, width);
    }
    pool_ = alone(fmt::format("mflow_conv_g{}_pool", number),
                  std::make_shared<ChainedResidualPooling>(width));
    output_ = alone(fmt::format("mflow_conv_g{}_b", number),
                    std::make_shared<ResidualConvUnits>(width, 3));
    if (number < kPaths) {
      hand_on_ = conv(fmt::format("mflow_conv_g{}_b3_joint_varout_dimred", number), width, out);
    }
  }

  /// `coarser` is the path above, undefined in the first. It is stretched to this level's size.
  at::Tensor forward(const at::Tensor& level, const at::Tensor& coarser) {
    at::Tensor x = adapt_->forward(reduce_->forward(level));
    if (fuse_) {
      x = fuse_->forward(x).add_(at::upsample_bilinear2d(coarser, {x.size(2), x.size(3)},
                                                         /*align_corners=*/true));
    }
    x = output_->forward(pool_->forward(at::relu_(x)));
    return hand_on_ ? hand_on_->forward(x) : x;
  }

 private:
  std::shared_ptr<Conv2d> reduce_;
  std::shared_ptr<ResidualConvUnits> adapt_;
  std::shared_ptr<Conv2d> fuse_;  ///< null in the first
  std::shared_ptr<ChainedResidualPooling> pool_;
  std::shared_ptr<ResidualConvUnits> output_;
  std::shared_ptr<Conv2d> hand_on_;  ///< null in the last
};

class RefineNetDecoder : public Decoder {
 public:
  RefineNetDecoder(const RefineNetOptions& options, const PyramidInfo& pyramid,
                   std::int64_t classes)
      : dropout_(register_module("do",
                                 std::make_shared<Dropout>(options.dropout, Dropout::Of::values))) {
    for (std::size_t n = 1; n <= kPaths; ++n) {
      const std::int64_t width = n == 1 ? 512 : 256;
      blocks_.emplace_back(*this, n, pyramid.channels.at(kPaths - n), width, 256);
    }
    classifier_ = register_module("clf_conv", conv3x3(256, classes, /*bias=*/true));
  }

  at::Tensor forward(const std::vector<at::Tensor>& levels) override {
    at::Tensor x;
    for (std::size_t n = 1; n <= kPaths; ++n) {
      const at::Tensor& level = levels.at(kPaths - n);
      x = blocks_[n - 1].forward(n <= 2 ? dropout_->forward(level, n) : level, x);
    }
    return classifier_->forward(dropout_->forward(x));
  }

 private:
  std::shared_ptr<Dropout> dropout_;
  std::vector<RefineBlock> blocks_;
  std::shared_ptr<Conv2d> classifier_;
};

}  // namespace

std::shared_ptr<Decoder> make_refinenet_decoder(const RefineNetOptions& options,
                                                const PyramidInfo& pyramid, std::int64_t classes,
                                                std::uint64_t seed) {
  if (pyramid.channels.size() != kPaths) {
    fail<ConfigError>("refinenet needs a backbone of {} levels, this one has {}", kPaths,
                      pyramid.channels.size());
  }
  auto decoder = std::make_shared<RefineNetDecoder>(options, pyramid, classes);
  initialize_like_pytorch(*decoder, {seed, "refinenet"});
  return decoder;
}

}  // namespace dusk
