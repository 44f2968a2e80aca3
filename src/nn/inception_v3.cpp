#include "dusk/nn/inception_v3.hpp"

#include <torch/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "nn/layers.hpp"

namespace dusk {
namespace {

/// Convolution `conv`, batch norm `bn` with eps 0.001, ReLU.
class ConvNormRelu : public torch::nn::Module {
 public:
  explicit ConvNormRelu(const ConvOptions& options)
      : conv_(register_module("conv", std::make_shared<Conv2d>(options))),
        norm_(register_module(
            "bn", std::make_shared<BatchNorm2d>(options.out, BatchNormOptions{.eps = 1e-3}))) {}

  at::Tensor forward(const at::Tensor& x) { return conv_norm(x, *conv_, *norm_, Activation::relu); }

 private:
  std::shared_ptr<Conv2d> conv_;
  std::shared_ptr<BatchNorm2d> norm_;
};

enum class Pool { average, average_with_padding, maximum };

/// 3x3, stride 1: the map keeps its size.
at::Tensor pool3x3(const at::Tensor& x, Pool pool) {
  if (pool == Pool::maximum) return at::max_pool2d(x, 3, 1, 1);
  return at::avg_pool2d(x, 3, 1, 1, /*ceil_mode=*/false,
                        /*count_include_pad=*/pool == Pool::average_with_padding);
}

at::Tensor halving_max_pool(const at::Tensor& x) {
  return at::max_pool2d(x, 3, 2);
}

/// A block of branches whose results are concatenated. Layers are added branch by branch under
/// torchvision's names.
class Mixed : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;

 protected:
  using Layer = std::shared_ptr<ConvNormRelu>;
  using Branch = std::vector<Layer>;

  Layer add(const std::string& name, const ConvOptions& options) {
    return register_module(name, std::make_shared<ConvNormRelu>(options));
  }
  /// Keeps the size of the map.
  Layer add(const std::string& name, std::int64_t in, std::int64_t out, Extent kernel = 1) {
    return add(
        name,
        {.in = in, .out = out, .kernel = kernel, .padding = {kernel.height / 2, kernel.width / 2}});
  }
  /// 3x3 with stride 2 and without padding.
  Layer add_halving(const std::string& name, std::int64_t in, std::int64_t out) {
    return add(name, {.in = in, .out = out, .kernel = 3, .stride = 2});
  }
  static at::Tensor run(const Branch& branch, at::Tensor x) {
    for (const Layer& layer : branch) x = layer->forward(x);
    return x;
  }
};

constexpr Extent kRow{1, 7}, kColumn{7, 1};

/// Figure 5 of the paper, at stride 8.
class InceptionA : public Mixed {
 public:
  InceptionA(std::int64_t in, std::int64_t pool_features, Pool pool)
      : pool_(pool),
        one_{add("branch1x1", in, 64)},
        five_{add("branch5x5_1", in, 48), add("branch5x5_2", 48, 64, 5)},
        three_twice_{add("branch3x3dbl_1", in, 64), add("branch3x3dbl_2", 64, 96, 3),
                     add("branch3x3dbl_3", 96, 96, 3)},
        pooled_{add("branch_pool", in, pool_features)} {}

  at::Tensor forward(const at::Tensor& x) override {
    return at::cat(
        {run(one_, x), run(five_, x), run(three_twice_, x), run(pooled_, pool3x3(x, pool_))}, 1);
  }

 private:
  Pool pool_;
  Branch one_, five_, three_twice_, pooled_;
};

/// Figure 10: from stride 8 to 16.
class InceptionB : public Mixed {
 public:
  explicit InceptionB(std::int64_t in)
      : three_{add_halving("branch3x3", in, 384)},
        three_twice_{add("branch3x3dbl_1", in, 64), add("branch3x3dbl_2", 64, 96, 3),
                     add_halving("branch3x3dbl_3", 96, 96)} {}

  at::Tensor forward(const at::Tensor& x) override {
    return at::cat({run(three_, x), run(three_twice_, x), halving_max_pool(x)}, 1);
  }

 private:
  Branch three_, three_twice_;
};

/// Figure 6 with n = 7, at stride 16; `width` between the convolutions of a branch.
class InceptionC : public Mixed {
 public:
  InceptionC(std::int64_t in, std::int64_t width, Pool pool)
      : pool_(pool),
        one_{add("branch1x1", in, 192)},
        seven_{add("branch7x7_1", in, width), add("branch7x7_2", width, width, kRow),
               add("branch7x7_3", width, 192, kColumn)},
        seven_twice_{add("branch7x7dbl_1", in, width), add("branch7x7dbl_2", width, width, kColumn),
                     add("branch7x7dbl_3", width, width, kRow),
                     add("branch7x7dbl_4", width, width, kColumn),
                     add("branch7x7dbl_5", width, 192, kRow)},
        pooled_{add("branch_pool", in, 192)} {}

  at::Tensor forward(const at::Tensor& x) override {
    return at::cat(
        {run(one_, x), run(seven_, x), run(seven_twice_, x), run(pooled_, pool3x3(x, pool_))}, 1);
  }

 private:
  Pool pool_;
  Branch one_, seven_, seven_twice_, pooled_;
};

/// From stride 16 to 32.
class InceptionD : public Mixed {
 public:
  explicit InceptionD(std::int64_t in)
      : three_{add("branch3x3_1", in, 192), add_halving("branch3x3_2", 192, 320)},
        seven_{add("branch7x7x3_1", in, 192), add("branch7x7x3_2", 192, 192, kRow),
               add("branch7x7x3_3", 192, 192, kColumn), add_halving("branch7x7x3_4", 192, 192)} {}

  at::Tensor forward(const at::Tensor& x) override {
    return at::cat({run(three_, x), run(seven_, x), halving_max_pool(x)}, 1);
  }

 private:
  Branch three_, seven_;
};

/// Figure 7, at stride 32: two branches fork once more.
class InceptionE : public Mixed {
 public:
  InceptionE(std::int64_t in, Pool pool)
      : pool_(pool),
        one_{add("branch1x1", in, 320)},
        three_{add("branch3x3_1", in, 384)},
        three_row_(add("branch3x3_2a", 384, 384, {1, 3})),
        three_column_(add("branch3x3_2b", 384, 384, {3, 1})),
        twice_{add("branch3x3dbl_1", in, 448), add("branch3x3dbl_2", 448, 384, 3)},
        twice_row_(add("branch3x3dbl_3a", 384, 384, {1, 3})),
        twice_column_(add("branch3x3dbl_3b", 384, 384, {3, 1})),
        pooled_{add("branch_pool", in, 192)} {}

  at::Tensor forward(const at::Tensor& x) override {
    const at::Tensor three = run(three_, x);
    const at::Tensor twice = run(twice_, x);
    return at::cat({run(one_, x), three_row_->forward(three), three_column_->forward(three),
                    twice_row_->forward(twice), twice_column_->forward(twice),
                    run(pooled_, pool3x3(x, pool_))},
                   1);
  }

 private:
  Pool pool_;
  Branch one_, three_;
  Layer three_row_, three_column_;
  Branch twice_;
  Layer twice_row_, twice_column_;
  Branch pooled_;
};

class InceptionV3Impl : public InceptionV3 {
 public:
  explicit InceptionV3Impl(InceptionForm form) {
    const bool is_fid = form == InceptionForm::fid;
    const Pool pool = is_fid ? Pool::average : Pool::average_with_padding;
    add_conv("Conv2d_1a_3x3", {.in = 3, .out = 32, .kernel = 3, .stride = 2});
    add_conv("Conv2d_2a_3x3", {.in = 32, .out = 32, .kernel = 3});
    add_conv("Conv2d_2b_3x3", {.in = 32, .out = 64, .kernel = 3, .padding = 1});
    steps_.emplace_back(halving_max_pool);
    add_conv("Conv2d_3b_1x1", {.in = 64, .out = 80});
    add_conv("Conv2d_4a_3x3", {.in = 80, .out = 192, .kernel = 3});
    steps_.emplace_back(halving_max_pool);
    add_block("Mixed_5b", std::make_shared<InceptionA>(192, 32, pool));
    add_block("Mixed_5c", std::make_shared<InceptionA>(256, 64, pool));
    add_block("Mixed_5d", std::make_shared<InceptionA>(288, 64, pool));
    add_block("Mixed_6a", std::make_shared<InceptionB>(288));
    add_block("Mixed_6b", std::make_shared<InceptionC>(768, 128, pool));
    add_block("Mixed_6c", std::make_shared<InceptionC>(768, 160, pool));
    add_block("Mixed_6d", std::make_shared<InceptionC>(768, 160, pool));
    add_block("Mixed_6e", std::make_shared<InceptionC>(768, 192, pool));
    add_block("Mixed_7a", std::make_shared<InceptionD>(768));
    add_block("Mixed_7b", std::make_shared<InceptionE>(1280, pool));
    add_block("Mixed_7c", std::make_shared<InceptionE>(2048, is_fid ? Pool::maximum : pool));
  }

  at::Tensor features(const at::Tensor& images) override {
    at::Tensor x = images;
    for (const auto& step : steps_) x = step(x);
    return x;
  }

 private:
  void add_conv(const std::string& name, const ConvOptions& options) {
    add_block(name, std::make_shared<ConvNormRelu>(options));
  }
  template <class Block>
  void add_block(const std::string& name, std::shared_ptr<Block> block) {
    register_module(name, block);
    steps_.emplace_back([block](const at::Tensor& x) { return block->forward(x); });
  }

  std::vector<std::function<at::Tensor(const at::Tensor&)>> steps_;
};

}  // namespace

at::Tensor InceptionV3::forward(const at::Tensor& images) {
  return features(images).mean({2, 3});
}

LoadPolicy InceptionV3::load_policy() {
  return {.renames = {},
          .allowed_extra = {"fc.*", "AuxLogits.*"},
          .allowed_missing = {"*.num_batches_tracked"},
          .allow_reshape = false};
}

std::shared_ptr<InceptionV3> make_inception_v3(InceptionForm form, std::uint64_t seed) {
  auto network = std::make_shared<InceptionV3Impl>(form);
  initialize_backbone(*network, seed);
  return network;
}

at::Tensor inception_input(const at::Tensor& images) {
  return at::upsample_bilinear2d(images, {299, 299}, /*align_corners=*/false) * 2 - 1;
}

}  // namespace dusk
