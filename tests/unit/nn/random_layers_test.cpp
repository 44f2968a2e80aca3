#include "nn/random_layers.hpp"

#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <array>
#include <numeric>

#include "dusk/base/error.hpp"
#include "nn/layers.hpp"

namespace dusk {
namespace {

class Probe : public torch::nn::Module, public RandomLayers {
 public:
  [[nodiscard]] at::Tensor draw(std::span<const double> rates, std::int64_t rows) const {
    return survivors(rates, rows, at::zeros({}));
  }
};

TEST(RandomLayers, KeepTheExpectation) {
  const auto probe = std::make_shared<Probe>();
  set_draws(*probe, {.seed = 3});
  constexpr std::array<double, 3> kRates{0, 0.1, 0.75};
  constexpr std::int64_t kRows = 20'000;
  const at::Tensor drawn = probe->draw(kRates, kRows);
  ASSERT_EQ(drawn.sizes(), at::IntArrayRef({3, kRows}));
  EXPECT_TRUE(at::equal(drawn[0], at::ones({kRows})));
  for (std::int64_t unit = 0; unit < 3; ++unit) {
    const double rate = kRates[static_cast<std::size_t>(unit)];
    EXPECT_NEAR(drawn[unit].eq(0).to(at::kDouble).mean().item<double>(), rate, 0.01);
    EXPECT_NEAR(drawn[unit].mean().item<double>(), 1, 0.05);
  }
}

TEST(RandomLayers, OfDifferentNamesDrawForThemselves) {
  const auto parent = std::make_shared<ModuleGroup>();
  const auto a = parent->add("a", std::make_shared<Probe>());
  const auto b = parent->add("b", std::make_shared<Probe>());
  constexpr std::array<double, 1> kRates{0.5};
  EXPECT_THROW((void)a->draw(kRates, 100), InternalError);
  set_draws(*parent, {.seed = 3});
  EXPECT_TRUE(at::equal(a->draw(kRates, 100), a->draw(kRates, 100)));
  EXPECT_FALSE(at::equal(a->draw(kRates, 100), b->draw(kRates, 100)));
  stop_draws(*parent);
  EXPECT_FALSE(a->draw(kRates, 100).defined());
}

TEST(RandomLayers, AreTheSameForAnyNumberOfRanks) {
  const auto probe = std::make_shared<Probe>();
  constexpr std::array<double, 2> kRates{0.5, 0.5};
  set_draws(*probe, {.seed = 3, .positions = {60, 61, 62, 63, 64, 65}});
  const at::Tensor whole = probe->draw(kRates, 12).view({2, 2, 6});  // units, views, samples
  for (const std::int64_t ranks : {2, 3}) {
    const std::int64_t own = 6 / ranks;
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      std::vector<std::uint64_t> positions(static_cast<std::size_t>(own));
      std::iota(positions.begin(), positions.end(), 60 + rank * own);
      set_draws(*probe, {.seed = 3, .positions = positions});
      EXPECT_TRUE(at::equal(probe->draw(kRates, 2 * own).view({2, 2, own}),
                            whole.narrow(2, rank * own, own)));
    }
  }
}

TEST(RandomLayers, DrawForEverySeedPassUnitAndView) {
  const auto probe = std::make_shared<Probe>();
  DrawKey key{.seed = 3, .positions = std::vector<std::uint64_t>(100)};
  std::iota(key.positions.begin(), key.positions.end(), 60);
  constexpr std::array<double, 2> kRates{0.5, 0.5};
  const auto draw = [&] {
    set_draws(*probe, key);
    return probe->draw(kRates, 200).view({2, 2, 100});  // units, views, samples
  };
  const at::Tensor drawn = draw();
  EXPECT_FALSE(at::equal(drawn[0], drawn[1]));
  EXPECT_FALSE(at::equal(drawn[0][0], drawn[0][1]));
  key.pass = 1;
  EXPECT_FALSE(at::equal(draw(), drawn));
  key.pass = 0;
  key.seed = 4;
  EXPECT_FALSE(at::equal(draw(), drawn));
}

TEST(DrawNormals, KeepTheTypeAndDependOnTheSeed) {
  const at::Tensor like = at::zeros({2, 3, 4, 5}, at::kBFloat16);
  DrawKey key{.seed = 3, .positions = {60, 61}};
  const at::Tensor drawn = draw_normals(key, like);
  EXPECT_EQ(drawn.scalar_type(), at::kBFloat16);
  key.seed = 4;
  EXPECT_FALSE(at::equal(draw_normals(key, like), drawn));
}

TEST(DrawNormals, AndDropoutLeaveTorchsGeneratorAlone) {
  const at::Generator& generator = at::globalContext().defaultGenerator(at::kCPU);
  const at::Tensor before = generator.get_state();
  const at::Tensor x = at::ones({2, 8, 3, 4});
  (void)draw_normals({.seed = 3, .positions = {60, 61}}, x);
  for (const auto of : {Dropout::Of::values, Dropout::Of::channels}) {
    const auto dropout = std::make_shared<Dropout>(0.5, of);
    set_draws(*dropout, {.seed = 3});
    (void)dropout->forward(x);
  }
  EXPECT_TRUE(at::equal(generator.get_state(), before));
}

TEST(DrawNormals, BelongToSamples) {
  const at::Tensor like = at::zeros({6, 8, 16, 16});
  const DrawKey key{.seed = 3, .pass = 1, .positions = {60, 61, 62, 63, 64, 65}};
  const at::Tensor whole = draw_normals(key, like);
  EXPECT_EQ(whole.sizes(), like.sizes());
  EXPECT_NEAR(whole.mean().item<double>(), 0, 0.03);
  EXPECT_NEAR(whole.std().item<double>(), 1, 0.02);
  EXPECT_FALSE(at::equal(whole[0], whole[1]));
  EXPECT_TRUE(at::equal(draw_normals(key, like), whole));
  DrawKey part = key;
  part.positions = {62, 63};
  EXPECT_TRUE(at::equal(draw_normals(part, like.narrow(0, 2, 2)), whole.narrow(0, 2, 2)));
  DrawKey other = key;
  other.pass = 2;
  EXPECT_FALSE(at::equal(draw_normals(other, like), whole));
  const at::Tensor nhwc = draw_normals(key, like.contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(nhwc.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_EQ(nhwc.sizes(), like.sizes());
  EXPECT_THROW((void)draw_normals(part, like), InternalError);
}

TEST(Dropout, LeavesOutWholeChannels) {
  const auto dropout = std::make_shared<Dropout>(0.25, Dropout::Of::channels);
  set_draws(*dropout, {.seed = 1});
  const at::Tensor x = at::ones({3, 64, 4, 5});
  const at::Tensor y = dropout->forward(x);
  const at::Tensor corner = y.select(3, 0).select(2, 0);
  EXPECT_TRUE(at::equal(y, corner.unsqueeze(2).unsqueeze(3).expand_as(y)));
  EXPECT_TRUE(at::logical_or(corner == 0, (corner - 4.0 / 3).abs() < 1e-6).all().item<bool>());
  EXPECT_FALSE(at::equal(y[0], y[1]));
  dropout->eval();
  EXPECT_TRUE(at::equal(dropout->forward(x), x));
  EXPECT_THROW(Dropout(1, Dropout::Of::channels), ConfigError);
}

TEST(Dropout, OfChannelsDrawsForEachUseAndKeepsTheType) {
  const auto dropout = std::make_shared<Dropout>(0.5, Dropout::Of::channels);
  set_draws(*dropout, {.seed = 1});
  const at::Tensor x = at::ones({1, 64, 2, 2}, at::kBFloat16);
  const at::Tensor y = dropout->forward(x);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_FALSE(at::equal(y, y.narrow(1, 0, 1).expand_as(y))) << "all channels or none";
  EXPECT_TRUE(at::equal(dropout->forward(x), y));
  EXPECT_FALSE(at::equal(dropout->forward(x, /*use=*/1), y));
  stop_draws(*dropout);
  EXPECT_TRUE(at::equal(dropout->forward(x), x));
  EXPECT_THROW(Dropout(-0.1, Dropout::Of::channels), ConfigError);
}

TEST(Dropout, LeavesOutValues) {
  const auto dropout = std::make_shared<Dropout>(0.25, Dropout::Of::values);
  const at::Tensor x = at::ones({2, 64, 20, 30});
  EXPECT_THROW(dropout->forward(x), InternalError) << "train mode without a key";
  set_draws(*dropout, {.seed = 1});
  const at::Tensor y = dropout->forward(x);
  EXPECT_TRUE(at::logical_or(y == 0, (y - 4.0 / 3).abs() < 1e-6).all().item<bool>());
  EXPECT_NEAR(y.mean().item<double>(), 1, 0.01);
  EXPECT_TRUE(at::equal(dropout->forward(x), y));
  EXPECT_FALSE(at::equal(dropout->forward(x, /*use=*/1), y));
  EXPECT_TRUE(at::equal(dropout->forward(x.contiguous(at::MemoryFormat::ChannelsLast)), y));
  stop_draws(*dropout);
  EXPECT_TRUE(at::equal(dropout->forward(x), x));
}

TEST(Dropout, IsTheSameForAnyNumberOfRanks) {
  for (const auto of : {Dropout::Of::values, Dropout::Of::channels}) {
    const auto dropout = std::make_shared<Dropout>(0.5, of);
    const at::Tensor x = at::ones({4, 8, 5, 7});
    set_draws(*dropout, {.seed = 3, .positions = {60, 61, 62, 63}});
    const at::Tensor whole = dropout->forward(x);
    EXPECT_FALSE(at::equal(whole[0], whole[1]));
    for (const std::int64_t first : {0, 2}) {  // two ranks with two samples each
      const auto position = 60 + static_cast<std::uint64_t>(first);
      set_draws(*dropout, {.seed = 3, .positions = {position, position + 1}});
      EXPECT_TRUE(at::equal(dropout->forward(x.narrow(0, first, 2)), whole.narrow(0, first, 2)));
    }
  }
}

}  // namespace
}  // namespace dusk
