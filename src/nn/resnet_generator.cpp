#include "nn/resnet_generator.hpp"

#include <torch/types.h>

namespace dusk {
namespace {

constexpr std::int64_t kColours = 3;

/// Convolution `index` of a group and, where it has parameters, norm `index` + 1.
template <class Conv, class Options>
NormedConv<Conv> add_normed(ModuleGroup& group, std::int64_t index, Options options,
                            GeneratorNorm norm) {
  options.bias = norm == GeneratorNorm::instance;
  NormedConv<Conv> unit;
  unit.conv = group.add(std::to_string(index), std::make_shared<Conv>(options));
  if (norm == GeneratorNorm::batch) {
    unit.norm = group.add(std::to_string(index + 1), std::make_shared<BatchNorm2d>(options.out));
  }
  return unit;
}

}  // namespace

ResnetBlock::ResnetBlock(std::int64_t width, GeneratorNorm norm) {
  auto group = register_module("conv_block", std::make_shared<ModuleGroup>());
  const ConvOptions conv{.in = width, .out = width, .kernel = 3};
  first_ = add_normed<Conv2d>(*group, 1, conv, norm);
  second_ = add_normed<Conv2d>(*group, 5, conv, norm);
}

at::Tensor ResnetBlock::forward(const at::Tensor& x) {
  const at::Tensor y = first_(reflection_pad(x, 1), Activation::relu);
  return second_(reflection_pad(y, 1), Activation::none, x);
}

ResnetGenerator::ResnetGenerator(const ResnetGeneratorOptions& options)
    : divisor_(std::int64_t{1} << options.downsamplings), global_skip_(options.global_skip) {
  std::int64_t width = options.width;
  std::int64_t index = 1;  // behind a padding
  stem_ = add_normed<Conv2d>(*this, index, ConvOptions{.in = kColours, .out = width, .kernel = 7},
                             options.norm);
  for (std::int64_t i = 0; i < options.downsamplings; ++i, width *= 2) {
    index += 3;  // behind a convolution, its norm and its activation
    down_.push_back(add_normed<Conv2d>(
        *this, index,
        ConvOptions{.in = width, .out = 2 * width, .kernel = 3, .stride = 2, .padding = 1},
        options.norm));
  }
  index += 3;
  for (std::int64_t i = 0; i < options.residual_blocks; ++i, ++index) {
    blocks_.push_back(
        add(std::to_string(index), std::make_shared<ResnetBlock>(width, options.norm)));
  }
  for (std::int64_t i = 0; i < options.downsamplings; ++i, index += 3, width /= 2) {
    up_.push_back(add_normed<ConvTranspose2d>(*this, index,
                                              ConvTransposeOptions{.in = width,
                                                                   .out = width / 2,
                                                                   .kernel = 3,
                                                                   .stride = 2,
                                                                   .padding = 1,
                                                                   .output_padding = 1},
                                              options.norm));
  }
  ++index;  // behind a padding
  head_ = add(std::to_string(index), std::make_shared<Conv2d>(ConvOptions{
                                         .in = width, .out = kColours, .kernel = 7, .bias = true}));
}

at::Tensor ResnetGenerator::forward(const at::Tensor& images, std::string_view network) {
  require_multiple(images, divisor_, network);
  at::Tensor x = stem_(reflection_pad(images, 3), Activation::relu);
  for (const auto& down : down_) x = down(x, Activation::relu);
  for (const auto& block : blocks_) x = block->forward(x);
  for (const auto& up : up_) x = up(x, Activation::relu);
  x = head_->forward(reflection_pad(x, 3));
  // Out of place: under autocast the sum is of the picture's precision.
  if (global_skip_) x = x + images;
  return x.tanh_();
}

}  // namespace dusk
