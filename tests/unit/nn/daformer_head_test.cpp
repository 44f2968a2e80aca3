// The DAFormer head and the SegFormer head, which share their parts.
#include "dusk/nn/daformer_head.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>
#include <cmath>
#include <functional>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"
#include "dusk/nn/batch_norm_mode.hpp"
#include "dusk/nn/draws.hpp"
#include "dusk/nn/segformer_head.hpp"
#include "golden_file.hpp"

namespace dusk {
namespace {

const PyramidInfo kB0{.channels = {32, 64, 160, 256}, .strides = {4, 8, 16, 32}};
const PyramidInfo kB5{.channels = {64, 128, 320, 512}, .strides = {4, 8, 16, 32}};
constexpr std::int64_t kClasses = 5;

struct HeadCase {
  std::string name;
  std::function<std::shared_ptr<Decoder>(const PyramidInfo&, std::int64_t, std::uint64_t)> make;
  std::int64_t count_b0, count_b5;
  std::string classifier;
};

class Head : public testing::TestWithParam<HeadCase> {
 protected:
  static std::vector<at::Tensor> levels(bool channels_last = true) {
    constexpr std::array<std::array<std::int64_t, 2>, 4> kSizes{
        {{18, 26}, {9, 13}, {5, 7}, {3, 4}}};
    std::vector<at::Tensor> levels;
    for (std::size_t i = 0; i < 4; ++i) {
      at::Tensor level = test::closed_form("level" + std::to_string(i),
                                           {2, kB0.channels[i], kSizes[i][0], kSizes[i][1]});
      if (channels_last) level = level.contiguous(at::MemoryFormat::ChannelsLast);
      levels.push_back(level.requires_grad_(true));
    }
    return levels;
  }
};

TEST_P(Head, HasThePublishedNumberOfParameters) {
  EXPECT_EQ(parameter_count(*GetParam().make(kB0, 19, 0)), GetParam().count_b0);
  EXPECT_EQ(parameter_count(*GetParam().make(kB5, 19, 0)), GetParam().count_b5);
}

TEST_P(Head, IsThePythonReference) {
  const test::GoldenFile golden(GetParam().name);
  for (const bool channels_last : {true, false}) {
    for (const std::string mode : {"eval", "train"}) {
      const auto head = GetParam().make(kB0, kClasses, 0);
      test::fill_closed_form(*head);
      stop_draws(*head);
      head->train(mode == "train");
      const auto inputs = levels(channels_last);
      const at::Tensor logits = head->forward(inputs);
      EXPECT_EQ(logits.sizes(), at::IntArrayRef({2, kClasses, 18, 26}));
      test::pulled({{"logits", logits}}).backward();
      golden.expect_close(mode + ".logits", logits);
      for (std::size_t i = 0; i < 4; ++i) {
        golden.expect_close(mode + ".gradient" + std::to_string(i), inputs[i].grad());
      }
    }
  }
}

TEST_P(Head, DrawsItsDropoutBySample) {
  const auto head = GetParam().make(kB0, kClasses, 0);
  test::fill_closed_form(*head);
  const at::NoGradGuard no_grad;
  EXPECT_THROW(head->forward(levels()), InternalError) << "train mode without a key";
  set_draws(*head, {.seed = 1, .positions = {4, 5}});
  const at::Tensor first = head->forward(levels());
  EXPECT_TRUE(at::equal(head->forward(levels()), first));
  set_draws(*head, {.seed = 1, .pass = 1, .positions = {4, 5}});
  EXPECT_FALSE(at::equal(head->forward(levels()), first));
}

TEST_P(Head, StartsAsPublished) {
  const auto head = GetParam().make(kB5, 19, 3);
  for (const auto& entry : head->named_parameters()) {
    const std::string& name = entry.key();
    const at::Tensor& tensor = entry.value();
    const double deviation = tensor.std().item<double>();
    if (name == GetParam().classifier + ".weight") {
      EXPECT_NEAR(deviation, 0.01, 0.001);
    } else if (tensor.dim() == 4) {
      // torch's fan-out does not divide by the groups: 1024 * 9 for a depthwise convolution.
      const auto fan_out = static_cast<double>(tensor.size(0) * tensor.size(2) * tensor.size(3));
      EXPECT_NEAR(deviation / std::sqrt(2 / fan_out), 1, 0.05) << name;
    } else if (name.find(".proj.") != std::string::npos) {
      if (tensor.dim() != 2) continue;  // 256 values are too few to tell
      const double bound = 1 / std::sqrt(static_cast<double>(tensor.size(1)));
      EXPECT_NEAR(deviation, bound / std::sqrt(3.0), 0.05 * bound) << name;
      EXPECT_LE(tensor.abs().max().item<double>(), bound * 1.0001) << name;
    } else {
      const bool is_scale = name.ends_with("bn.weight");
      EXPECT_TRUE(at::equal(tensor, at::full_like(tensor, is_scale ? 1 : 0))) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Heads, Head,
    testing::Values(
        HeadCase{"daformer_head",
                 [](const PyramidInfo& pyramid, std::int64_t classes, std::uint64_t seed) {
                   return make_daformer_head({}, pyramid, classes, seed);
                 },
                 3'581'203, 3'712'275, "conv_seg"},
        HeadCase{"segformer_head",
                 [](const PyramidInfo& pyramid, std::int64_t classes, std::uint64_t seed) {
                   return make_segformer_head({}, pyramid, classes, seed);
                 },
                 399'635, 530'707, "linear_pred"}),
    [](const testing::TestParamInfo<HeadCase>& test) { return test.param.name; });

TEST(DaformerHead, HasThePublishedNumbersByPart) {
  const auto head = make_daformer_head({}, kB5, 19);
  std::map<std::string, std::int64_t> counts;
  for (const auto& entry : head->named_parameters()) {
    const std::string& name = entry.key();
    const std::size_t parts = name.starts_with("fuse_layer.aspp_modules") ? 25 : 0;
    const std::size_t inner = name.starts_with("fuse_layer.bottleneck") ? 12 : parts;
    counts[name.substr(0, name.find('.', inner))] += entry.value().numel();
  }
  const std::map<std::string, std::int64_t> expected{{"embed_layers", 263'168},
                                                     {"fuse_layer.aspp_modules.0", 262'656},
                                                     {"fuse_layer.aspp_modules.1", 273'920},
                                                     {"fuse_layer.aspp_modules.2", 273'920},
                                                     {"fuse_layer.aspp_modules.3", 273'920},
                                                     {"fuse_layer.bottleneck", 2'359'808},
                                                     {"conv_seg", 4'883}};
  EXPECT_EQ(counts, expected);
}

/// Without gradients the head takes two of these three samples, then one. Batch norms still see all
/// of them as one batch, and dropout draws for all of them.
TEST(DaformerHead, GoesInPiecesWithoutGradientsAndIsTheSameFunction) {
  const PyramidInfo pyramid{.channels = {8, 16}, .strides = {4, 8}};
  const auto head_in = [&](const std::string& mode) {
    const auto head = make_daformer_head({.embed_channels = 48, .channels = 16}, pyramid, 3);
    test::fill_closed_form(*head);
    set_draws(*head, {.seed = 1, .positions = {4, 5, 6}});
    head->train(mode != "eval");
    if (mode == "frozen") set_batch_norm_mode(*head, BatchNormMode::frozen);
    return head;
  };
  std::vector<at::Tensor> levels;
  for (const std::int64_t i : {0, 1}) {
    const std::int64_t side = 128 >> i;
    levels.push_back(test::closed_form("level", {3, 8 << i, side, side})
                         .contiguous(at::MemoryFormat::ChannelsLast));
    levels[static_cast<std::size_t>(i)][2] += 1;  // no piece has the statistics of all
  }
  for (const std::string mode : {"train", "frozen", "eval"}) {
    SCOPED_TRACE(mode);
    const auto whole = head_in(mode), in_pieces = head_in(mode);
    const at::Tensor expected = whole->forward(levels);
    const at::Tensor found = [&] {
      const at::NoGradGuard no_grad;
      return in_pieces->forward(levels);
    }();
    // By batch statistics the norms are rounded otherwise: before the convolution, not behind it.
    EXPECT_LT(test::relative_error(found, expected), mode == "train" ? 1e-5 : 1e-6);
    const auto buffers = whole->named_buffers();
    for (const auto& entry : in_pieces->named_buffers()) {
      const at::Tensor value = entry.value().to(at::kFloat);
      const at::Tensor& same = buffers[entry.key()];
      EXPECT_LT(test::relative_error(value, same.to(at::kFloat)), 1e-6) << entry.key();
    }
  }
}

TEST(DaformerHead, TakesAnyBackbone) {
  const PyramidInfo two{.channels = {16, 32}, .strides = {4, 8}};
  const auto head = make_daformer_head({.embed_channels = 32, .channels = 16}, two, 3);
  head->eval();
  EXPECT_EQ(head->forward({at::zeros({1, 16, 8, 8}), at::zeros({1, 32, 4, 4})}).sizes(),
            at::IntArrayRef({1, 3, 8, 8}));
  EXPECT_THROW(make_daformer_head({}, {}, 3), ConfigError);
  EXPECT_THROW(make_daformer_head({.dropout = 1}, two, 3), ConfigError);
}

TEST(SegformerHead, NeedsFourLevels) {
  EXPECT_THROW(make_segformer_head({}, {.channels = {16, 32}, .strides = {4, 8}}, 3), ConfigError);
}

}  // namespace
}  // namespace dusk
