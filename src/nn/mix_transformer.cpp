#include "dusk/nn/mix_transformer.hpp"

#include <torch/types.h>

#include <array>
#include <cmath>
#include <string>

#include "dusk/base/error.hpp"
#include "dusk/nn/init.hpp"
#include "nn/layers.hpp"
#include "nn/pieces.hpp"
#include "nn/random_layers.hpp"
#include "nn/recompute.hpp"
#include "nn/transformer_layers.hpp"

namespace dusk {
namespace {

constexpr std::size_t kStages = 4;
// SegFormer's code leaves torch's default where it does not say partial(LayerNorm, eps=1e-6).
constexpr double kEmbeddingEps = 1e-5;  // of patch embeddings and reduced keys
constexpr double kBlockEps = 1e-6;      // of blocks and of the stages' ends

/// What all variants share, by stage (the paper's table 6).
struct StageForm {
  std::int64_t kernel, stride;  ///< of the patch embedding, which pads with kernel / 2
  std::int64_t heads;
  std::int64_t reduction;  ///< R: keys and values are of a map this much smaller a side
};
constexpr std::array<StageForm, kStages> kForm{
    {{7, 4, 1, 8}, {3, 2, 2, 4}, {3, 2, 5, 2}, {3, 2, 8, 1}}};
constexpr std::int64_t kMlpRatio = 4;

struct Variant {
  std::array<std::int64_t, kStages> widths;
  std::array<std::int64_t, kStages> depths;
};
constexpr std::array<Variant, 6> kVariants{{{{32, 64, 160, 256}, {2, 2, 2, 2}},
                                            {{64, 128, 320, 512}, {2, 2, 2, 2}},
                                            {{64, 128, 320, 512}, {3, 4, 6, 3}},
                                            {{64, 128, 320, 512}, {3, 4, 18, 3}},
                                            {{64, 128, 320, 512}, {3, 8, 27, 3}},
                                            {{64, 128, 320, 512}, {3, 6, 40, 3}}}};

/// Overlapping patches: a strided convolution, then a norm of every token.
class OverlapPatchEmbed : public torch::nn::Module {
 public:
  OverlapPatchEmbed(std::int64_t in, std::int64_t width, const StageForm& form)
      : proj_(
            register_module("proj", std::make_shared<Conv2d>(ConvOptions{.in = in,
                                                                         .out = width,
                                                                         .kernel = form.kernel,
                                                                         .stride = form.stride,
                                                                         .padding = form.kernel / 2,
                                                                         .bias = true}))),
        norm_(register_module("norm", std::make_shared<LayerNorm>(width, kEmbeddingEps))) {}

  std::pair<at::Tensor, Grid> forward(const at::Tensor& map) {
    const at::Tensor patches = proj_->forward(map);
    return {norm_->forward(tokens_of(patches)), {patches.size(2), patches.size(3)}};
  }

 private:
  std::shared_ptr<Conv2d> proj_;
  std::shared_ptr<LayerNorm> norm_;
};

/// Self-attention whose keys and values are of a map reduced by a convolution (equation 2 with a
/// strided convolution for "Reshape" and "Linear", as in the code).
class EfficientSelfAttention : public torch::nn::Module {
 public:
  EfficientSelfAttention(std::int64_t width, const StageForm& form)
      : heads_(form.heads),
        q_(register_module("q", std::make_shared<Linear>(width, width))),
        kv_(register_module("kv", std::make_shared<Linear>(width, 2 * width))),
        proj_(register_module("proj", std::make_shared<Linear>(width, width))) {
    if (form.reduction == 1) return;
    sr_ = register_module("sr", std::make_shared<Conv2d>(ConvOptions{.in = width,
                                                                     .out = width,
                                                                     .kernel = form.reduction,
                                                                     .stride = form.reduction,
                                                                     .bias = true}));
    norm_ = register_module("norm", std::make_shared<LayerNorm>(width, kEmbeddingEps));
  }

  at::Tensor forward(const at::Tensor& x, Grid grid) {
    const at::Tensor kv = kv_->forward(reduced(x, grid));
    const std::int64_t width = x.size(2);
    const at::Tensor q = split_heads(q_->forward(x));
    const at::Tensor k = split_heads(kv.narrow(2, 0, width));
    const at::Tensor v = split_heads(kv.narrow(2, width, width));
    const at::Tensor y = at::scaled_dot_product_attention(q, k, v);
    return proj_->forward(y.transpose(1, 2).flatten(2));
  }

 private:
  /// Rows and columns that the reduction does not divide are left out.
  at::Tensor reduced(const at::Tensor& x, Grid grid) {
    if (!sr_) return x;
    return norm_->forward(tokens_of(sr_->forward(map_of(x, grid))));
  }
  /// (N, tokens, width) -> (N, heads, tokens, width / heads)
  [[nodiscard]] at::Tensor split_heads(const at::Tensor& x) const {
    return x.unflatten(2, {heads_, -1}).transpose(1, 2);
  }

  std::int64_t heads_;
  std::shared_ptr<Linear> q_, kv_, proj_;
  std::shared_ptr<Conv2d> sr_;
  std::shared_ptr<LayerNorm> norm_;
};

/// "Mix-FFN" (equation 3): a 3x3 depthwise convolution between the layers of an MLP stands in for
/// positional codes. `dwconv.dwconv` is the public name.
class MixFfn : public torch::nn::Module {
 public:
  explicit MixFfn(std::int64_t width)
      : fc1_(register_module("fc1", std::make_shared<Linear>(width, kMlpRatio * width))),
        dwconv_(
            register_module("dwconv", std::make_shared<ModuleGroup>())
                ->add("dwconv", std::make_shared<Conv2d>(ConvOptions{.in = kMlpRatio * width,
                                                                     .out = kMlpRatio * width,
                                                                     .kernel = 3,
                                                                     .padding = 1,
                                                                     .groups = kMlpRatio * width,
                                                                     .bias = true}))),
        fc2_(register_module("fc2", std::make_shared<Linear>(kMlpRatio * width, width))) {}

  at::Tensor forward(const at::Tensor& x, Grid grid) {
    const at::Tensor hidden = dwconv_->forward(map_of(fc1_->forward(x), grid));
    return fc2_->forward(at::gelu(tokens_of(hidden)));
  }

 private:
  std::shared_ptr<Linear> fc1_;
  std::shared_ptr<Conv2d> dwconv_;
  std::shared_ptr<Linear> fc2_;
};

/// Factors (N) of a block's two residual branches; undefined: 1.
struct Survivors {
  at::Tensor attention, mlp;
};

at::Tensor add_branch(const at::Tensor& x, const at::Tensor& branch, const at::Tensor& survivors) {
  if (!survivors.defined()) return x + branch;
  return at::addcmul(x, branch, survivors.to(branch.scalar_type()).view({-1, 1, 1}));
}

class Block : public torch::nn::Module {
 public:
  Block(std::int64_t width, const StageForm& form)
      : norm1_(register_module("norm1", std::make_shared<LayerNorm>(width, kBlockEps))),
        attn_(register_module("attn", std::make_shared<EfficientSelfAttention>(width, form))),
        norm2_(register_module("norm2", std::make_shared<LayerNorm>(width, kBlockEps))),
        mlp_(register_module("mlp", std::make_shared<MixFfn>(width))) {}

  at::Tensor forward(const at::Tensor& tokens, Grid grid, const Survivors& survivors) {
    const at::Tensor x =
        add_branch(tokens, attn_->forward(norm1_->forward(tokens), grid), survivors.attention);
    return add_branch(x, mlp_->forward(norm2_->forward(x), grid), survivors.mlp);
  }

 private:
  std::shared_ptr<LayerNorm> norm1_;
  std::shared_ptr<EfficientSelfAttention> attn_;
  std::shared_ptr<LayerNorm> norm2_;
  std::shared_ptr<MixFfn> mlp_;
};

struct Stage {
  std::shared_ptr<OverlapPatchEmbed> embed;
  std::vector<std::shared_ptr<Block>> blocks;
  std::shared_ptr<LayerNorm> norm;
};

class MixTransformer : public Backbone, public RandomLayers {
 public:
  MixTransformer(const Variant& variant, const MixTransformerOptions& options)
      : recompute_stages_(static_cast<std::size_t>(options.recompute_stages)) {
    std::int64_t in = 3;
    for (std::size_t i = 0; i < kStages; ++i) {
      stages_[i].embed =
          register_module(fmt::format("patch_embed{}", i + 1),
                          std::make_shared<OverlapPatchEmbed>(in, variant.widths[i], kForm[i]));
      in = variant.widths[i];
      info_.channels.push_back(in);
      info_.strides.push_back(std::int64_t{4} << i);
    }
    for (std::size_t i = 0; i < kStages; ++i) {
      auto group = register_module(fmt::format("block{}", i + 1), std::make_shared<ModuleGroup>());
      for (std::int64_t j = 0; j < variant.depths[i]; ++j) {
        stages_[i].blocks.push_back(
            group->add(std::to_string(j), std::make_shared<Block>(variant.widths[i], kForm[i])));
      }
      stages_[i].norm = register_module(fmt::format("norm{}", i + 1),
                                        std::make_shared<LayerNorm>(variant.widths[i], kBlockEps));
    }
    set_drop_rates(options.drop_path);
  }

  std::vector<at::Tensor> features(const at::Tensor& images) override {
    require_size(images);
    const at::Tensor survivors = draw(images);
    if (at::GradMode::is_enabled()) return levels_of(images, survivors);
    const std::int64_t hidden = kMlpRatio * info_.channels[0] * images.size(2) * images.size(3) /
                                (kForm[0].stride * kForm[0].stride);
    std::vector<std::vector<at::Tensor>> levels(kStages);
    for (const Piece& piece : pieces_of(images, hidden)) {
      const auto part = levels_of(piece.of(images), piece.of(survivors, 1));
      for (std::size_t i = 0; i < kStages; ++i) levels[i].push_back(part[i]);
    }
    std::vector<at::Tensor> whole;
    for (auto& parts : levels) {
      whole.push_back(parts.size() == 1 ? parts.front() : at::cat(parts));
      parts.clear();
    }
    return whole;
  }

  [[nodiscard]] PyramidInfo pyramid() const override { return info_; }

  [[nodiscard]] LoadPolicy load_policy(const TensorFile& /*file*/) const override {
    return {.renames = {{"backbone.*", "*"}},
            .allowed_extra = {"head.*", "decode_head.*", "auxiliary_head.*"},
            .allowed_missing = {},
            .allow_reshape = false};
  }

 private:
  /// `survivors` (2 x blocks, N), or undefined.
  std::vector<at::Tensor> levels_of(const at::Tensor& images, const at::Tensor& survivors) {
    std::int64_t branch = 0;
    const auto next = [&] { return survivors.defined() ? survivors[branch++] : at::Tensor(); };
    at::Tensor map = images;
    std::vector<at::Tensor> levels;
    for (std::size_t i = 0; i < kStages; ++i) {
      auto [tokens, grid] = stages_[i].embed->forward(map);
      for (const auto& block : stages_[i].blocks) {
        const Survivors kept{.attention = next(), .mlp = next()};
        const NetworkPart part = [block, grid = grid, kept](const at::Tensor& x) {
          return block->forward(x, grid, kept);
        };
        tokens = i < recompute_stages_ ? recompute(part, *block, tokens) : part(tokens);
      }
      map = map_of(stages_[i].norm->forward(tokens), grid);
      levels.push_back(map);
    }
    return levels;
  }

  /// Both branches of a block have its rate.
  void set_drop_rates(double last) {
    std::size_t blocks = 0;
    for (const Stage& stage : stages_) blocks += stage.blocks.size();
    for (std::size_t i = 0; i < blocks; ++i) {
      const double rate = last * static_cast<double>(i) / static_cast<double>(blocks - 1);
      drop_rates_.insert(drop_rates_.end(), 2, rate);
    }
    drops_ = last > 0;
  }

  [[nodiscard]] at::Tensor draw(const at::Tensor& images) const {
    if (!drops_ || !is_training()) return {};
    return survivors(drop_rates_, images.size(0), images);
  }

  static void require_size(const at::Tensor& images) {
    const std::int64_t least = kForm[0].stride * (kForm[0].reduction - 1) + 1;
    if (std::min(images.size(2), images.size(3)) >= least) return;
    fail<ConfigError>(
        "a mix transformer needs pictures of at least {0} x {0} pixels, got {1} x {2}", least,
        images.size(2), images.size(3));
  }

  std::array<Stage, kStages> stages_;
  std::size_t recompute_stages_;
  std::vector<double> drop_rates_;  ///< two a block
  bool drops_ = false;
  PyramidInfo info_;
};

void initialize(MixTransformer& network, std::uint64_t seed) {
  constexpr double kDeviation = 0.02;
  for (auto& item : network.named_modules("", /*include_self=*/false)) {
    if (auto* linear = item.value()->as<Linear>()) {
      truncated_normal(linear->weight(), kDeviation, {seed, item.key()});
      constant(linear->bias(), 0);
    } else if (auto* conv = item.value()->as<Conv2d>()) {
      grouped_kaiming_normal(conv->weight(), conv->groups(), {seed, item.key()});
      constant(conv->bias(), 0);
    } else if (auto* norm = item.value()->as<LayerNorm>()) {
      norm->initialize();
    }
  }
}

}  // namespace

std::shared_ptr<Backbone> make_mix_transformer(const MixTransformerOptions& options,
                                               std::uint64_t seed) {
  if (options.variant < 0 || options.variant >= static_cast<int>(kVariants.size())) {
    fail<ConfigError>("MiT-B{}: there are B0 to B5", options.variant);
  }
  if (options.recompute_stages < 0 || options.recompute_stages > std::int64_t{kStages}) {
    fail<ConfigError>("recompute_stages {}: a mix transformer has {}", options.recompute_stages,
                      kStages);
  }
  if (options.drop_path < 0 || options.drop_path >= 1) {
    fail<ConfigError>("drop_path {} is not a probability below 1", options.drop_path);
  }
  auto network = std::make_shared<MixTransformer>(
      kVariants[static_cast<std::size_t>(options.variant)], options);
  initialize(*network, seed);
  return network;
}

}  // namespace dusk
