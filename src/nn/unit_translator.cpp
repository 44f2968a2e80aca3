#include "dusk/nn/unit_translator.hpp"

#include <torch/types.h>

#include <string>

#include "dusk/base/error.hpp"
#include "nn/image_layers.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kColours = 3;
constexpr std::int64_t kReduction = 4;  // of the resolution, in an encoder

enum class BlockNorm { none, instance, layer };
enum class BlockActivation { none, relu, leaky_relu, tanh };

struct BlockOptions {
  std::int64_t in, out, kernel, stride, padding;
  BlockNorm norm = BlockNorm::none;
  BlockActivation activation = BlockActivation::none;
};

/// The public code's Conv2dBlock: reflection padding, convolution with bias (`conv`), norm (`norm`,
/// where it has parameters), activation.
class ConvBlock : public torch::nn::Module {
 public:
  explicit ConvBlock(const BlockOptions& options)
      : padding_(options.padding),
        norm_(options.norm),
        activation_(options.activation),
        conv_(register_module("conv", std::make_shared<Conv2d>(ConvOptions{.in = options.in,
                                                                           .out = options.out,
                                                                           .kernel = options.kernel,
                                                                           .stride = options.stride,
                                                                           .bias = true}))) {
    if (norm_ == BlockNorm::layer) {
      layer_norm_ = register_module("norm", std::make_shared<UnitLayerNorm>(options.out));
    }
  }

  /// `residual` is added behind an instance norm only.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& residual = {}) {
    at::Tensor y = conv_->forward(reflection_pad(x, padding_));
    const Activation rectifier =
        activation_ == BlockActivation::relu ? Activation::relu : Activation::none;
    if (norm_ == BlockNorm::instance) y = instance_norm(y, rectifier, residual);
    if (norm_ == BlockNorm::layer) y = layer_norm_->forward(y, rectifier);
    if (activation_ == BlockActivation::leaky_relu) return leaky_rectify(y);
    if (activation_ == BlockActivation::tanh) return y.tanh_();
    return y;
  }

 private:
  std::int64_t padding_;
  BlockNorm norm_;
  BlockActivation activation_;
  std::shared_ptr<Conv2d> conv_;
  std::shared_ptr<UnitLayerNorm> layer_norm_;
};

/// `model.{0,1}`, and the identity.
class ResBlock : public torch::nn::Module {
 public:
  explicit ResBlock(std::int64_t width) {
    BlockOptions options{width, width, 3, 1, 1, BlockNorm::instance, BlockActivation::relu};
    auto group = register_module("model", std::make_shared<ModuleGroup>());
    first_ = group->add("0", std::make_shared<ConvBlock>(options));
    options.activation = BlockActivation::none;
    second_ = group->add("1", std::make_shared<ConvBlock>(options));
  }

  at::Tensor forward(const at::Tensor& x) { return second_->forward(first_->forward(x), x); }

 private:
  std::shared_ptr<ConvBlock> first_, second_;
};

/// Blocks [first, last) of another domain's chain that this domain uses too.
struct Borrowed {
  const std::vector<std::shared_ptr<ResBlock>>* blocks = nullptr;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// `model.{0,1,...}`. Borrowed blocks are not registered again: their parameters exist once.
class ResBlocks : public torch::nn::Module {
 public:
  ResBlocks(std::int64_t width, std::int64_t count, const Borrowed& borrowed) {
    auto group = register_module("model", std::make_shared<ModuleGroup>());
    for (std::int64_t i = 0; i < count; ++i) {
      const bool is_borrowed =
          borrowed.blocks != nullptr && i >= borrowed.first && i < borrowed.last;
      blocks_.push_back(is_borrowed
                            ? (*borrowed.blocks)[static_cast<std::size_t>(i)]
                            : group->add(std::to_string(i), std::make_shared<ResBlock>(width)));
    }
  }

  at::Tensor forward(at::Tensor x) {
    for (const auto& block : blocks_) x = block->forward(x);
    return x;
  }
  [[nodiscard]] const std::vector<std::shared_ptr<ResBlock>>& blocks() const { return blocks_; }

 private:
  std::vector<std::shared_ptr<ResBlock>> blocks_;
};

class Encoder : public torch::nn::Module {
 public:
  Encoder(const UnitTranslatorOptions& options, const Encoder* lender) {
    const std::int64_t width = options.width;
    auto model = register_module("model", std::make_shared<ModuleGroup>());
    const auto add = [&](const std::string& name, std::int64_t in, std::int64_t out,
                         std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
      return model->add(
          name, std::make_shared<ConvBlock>(BlockOptions{
                    in, out, kernel, stride, padding, BlockNorm::instance, BlockActivation::relu}));
    };
    stem_ = add("0", kColours, width, 7, 1, 3);
    down_ = {add("1", width, 2 * width, 4, 2, 1), add("2", 2 * width, 4 * width, 4, 2, 1)};
    Borrowed last;
    if (lender != nullptr) {
      last = {&lender->residual_->blocks(), options.residual_blocks - options.share_res,
              options.residual_blocks};
    }
    residual_ =
        model->add("3", std::make_shared<ResBlocks>(4 * width, options.residual_blocks, last));
  }

  at::Tensor forward(const at::Tensor& images) {
    at::Tensor x = stem_->forward(images);
    for (const auto& down : down_) x = down->forward(x);
    return residual_->forward(x);
  }

 private:
  std::shared_ptr<ConvBlock> stem_;
  std::array<std::shared_ptr<ConvBlock>, 2> down_;
  std::shared_ptr<ResBlocks> residual_;
};

class Decoder : public torch::nn::Module {
 public:
  Decoder(const UnitTranslatorOptions& options, const Decoder* lender) {
    const std::int64_t width = options.width;
    auto model = register_module("model", std::make_shared<ModuleGroup>());
    Borrowed first;
    if (lender != nullptr) first = {&lender->residual_->blocks(), 0, options.share_res};
    residual_ =
        model->add("0", std::make_shared<ResBlocks>(4 * width, options.residual_blocks, first));
    const auto add_up = [&](const std::string& name, std::int64_t in) {
      return model->add(name, std::make_shared<ConvBlock>(BlockOptions{
                                  in, in / 2, 5, 1, 2, BlockNorm::layer, BlockActivation::relu}));
    };
    up_ = {add_up("2", 4 * width), add_up("4", 2 * width)};  // 1 and 3 are the up-samplings
    head_ = model->add("5", std::make_shared<ConvBlock>(BlockOptions{
                                width, kColours, 7, 1, 3, BlockNorm::none, BlockActivation::tanh}));
  }

  at::Tensor forward(const at::Tensor& latents) {
    at::Tensor x = residual_->forward(latents);
    for (const auto& up : up_) {
      x = up->forward(at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}));
    }
    return head_->forward(x);
  }

 private:
  std::shared_ptr<ResBlocks> residual_;
  std::array<std::shared_ptr<ConvBlock>, 2> up_;
  std::shared_ptr<ConvBlock> head_;
};

/// The public code's VAEGen: one domain.
class AutoEncoder : public torch::nn::Module {
 public:
  AutoEncoder(const UnitTranslatorOptions& options, const AutoEncoder* lender)
      : enc(register_module("enc", std::make_shared<Encoder>(
                                       options, lender != nullptr ? lender->enc.get() : nullptr))),
        dec(register_module("dec", std::make_shared<Decoder>(
                                       options, lender != nullptr ? lender->dec.get() : nullptr))) {
  }

  const std::shared_ptr<Encoder> enc;
  const std::shared_ptr<Decoder> dec;
};

class Translator : public UnitTranslator {
 public:
  explicit Translator(const UnitTranslatorOptions& options)
      : a_(register_module("a", std::make_shared<AutoEncoder>(options, nullptr))),
        b_(register_module("b", std::make_shared<AutoEncoder>(options, a_.get()))) {}

  at::Tensor encode(UnitDomain from, const at::Tensor& images) override {
    require_multiple(images, kReduction, "UNIT's encoder");
    return of(from).enc->forward(images);
  }
  at::Tensor decode(UnitDomain to, const at::Tensor& latents) override {
    return of(to).dec->forward(latents);
  }

 private:
  AutoEncoder& of(UnitDomain domain) { return domain == UnitDomain::a ? *a_ : *b_; }

  std::shared_ptr<AutoEncoder> a_, b_;
};

/// The public code's MsImageDis: one domain, three networks on ever smaller pictures.
class MultiScaleDiscriminator : public torch::nn::Module {
 public:
  explicit MultiScaleDiscriminator(const UnitDiscriminatorOptions& options) {
    auto cnns = register_module("cnns", std::make_shared<ModuleGroup>());
    for (std::size_t s = 0; s < scales_.size(); ++s) {
      auto cnn = cnns->add(std::to_string(s), std::make_shared<ModuleGroup>());
      scales_[s] = Scale(*cnn, options);
    }
  }

  std::vector<at::Tensor> forward(at::Tensor images) {
    std::vector<at::Tensor> scores;
    for (const Scale& scale : scales_) {
      if (!scores.empty()) {
        images = at::avg_pool2d(images, 3, 2, 1, /*ceil_mode=*/false, /*count_include_pad=*/false);
      }
      scores.push_back(scale(images));
    }
    return scores;
  }

 private:
  class Scale {
   public:
    Scale() = default;
    Scale(ModuleGroup& cnn, const UnitDiscriminatorOptions& options) {
      std::int64_t in = kColours;
      for (std::size_t i = 0; i < blocks_.size(); ++i) {
        const std::int64_t out = options.width << i;
        const bool has_norm = i > 0 && options.norm == UnitDiscriminatorNorm::layer;
        blocks_[i] = cnn.add(std::to_string(i),
                             std::make_shared<ConvBlock>(BlockOptions{
                                 in, out, 4, 2, 1, has_norm ? BlockNorm::layer : BlockNorm::none,
                                 BlockActivation::leaky_relu}));
        in = out;
      }
      score_ =
          cnn.add("4", std::make_shared<Conv2d>(ConvOptions{.in = in, .out = 1, .bias = true}));
    }

    at::Tensor operator()(at::Tensor x) const {
      for (const auto& block : blocks_) x = block->forward(x);
      return score_->forward(x);
    }

   private:
    std::array<std::shared_ptr<ConvBlock>, 4> blocks_;
    std::shared_ptr<Conv2d> score_;
  };

  std::array<Scale, 3> scales_;
};

class Discriminators : public UnitDiscriminators {
 public:
  explicit Discriminators(const UnitDiscriminatorOptions& options)
      : a_(register_module("a", std::make_shared<MultiScaleDiscriminator>(options))),
        b_(register_module("b", std::make_shared<MultiScaleDiscriminator>(options))) {}

  std::vector<at::Tensor> scores(UnitDomain domain, const at::Tensor& images) override {
    return domain == UnitDomain::a ? a_->forward(images) : b_->forward(images);
  }

 private:
  std::shared_ptr<MultiScaleDiscriminator> a_, b_;
};

}  // namespace

at::Tensor UnitTranslator::translate(UnitDomain from, UnitDomain to, const at::Tensor& images) {
  const std::int64_t height = images.size(2);
  const std::int64_t width = images.size(3);
  const auto missing = [](std::int64_t side) {
    return (kReduction - side % kReduction) % kReduction;
  };
  const at::Tensor padded = at::reflection_pad2d(images, {0, missing(width), 0, missing(height)});
  return decode(to, encode(from, padded)).narrow(2, 0, height).narrow(3, 0, width);
}

std::shared_ptr<UnitTranslator> make_unit_translator(const UnitTranslatorOptions& options,
                                                     std::uint64_t seed) {
  if (options.share_res > options.residual_blocks) {
    fail<ConfigError>("unit: {} shared blocks of {} residual blocks", options.share_res,
                      options.residual_blocks);
  }
  auto network = std::make_shared<Translator>(options);
  initialize_convolutions(*network, ConvInit::kaiming_in, seed);
  return network;
}

std::shared_ptr<UnitDiscriminators> make_unit_discriminators(
    const UnitDiscriminatorOptions& options, std::uint64_t seed) {
  auto network = std::make_shared<Discriminators>(options);
  initialize_convolutions(*network, ConvInit::gan, seed);
  return network;
}

}  // namespace dusk
