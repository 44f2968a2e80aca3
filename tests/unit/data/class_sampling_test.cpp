#include "dusk/data/class_sampling.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "dusk/base/error.hpp"
#include "unit/data/memory_source.hpp"

namespace dusk {
namespace {

/// Four samples; classes 0 to 3 have 9000, 900, 100 and 0 pixels in all.
std::shared_ptr<test::MemorySource> source() {
  auto made = std::make_shared<test::MemorySource>(test::equal_samples(4, 50, 50));
  made->counts = {{2500, 0, 0, 0}, {2000, 400, 100, 0}, {2000, 500, 0, 0}, {2500, 0, 0, 0}};
  return made;
}

Dataset dataset() {
  return {"counted", source()};
}

TEST(ClassSampling, RareClassesFollowTheFormula) {
  const double temperature = 0.5;
  const ClassPlan plan(
      1, dataset(), {.kind = Sampling::rare_class, .temperature = temperature, .min_pixels = 50});
  const double share[] = {0.9, 0.09, 0.01};
  ASSERT_EQ(plan.probabilities().size(), 4U);
  double sum = 0;
  for (const double p : plan.probabilities()) sum += p;
  EXPECT_NEAR(sum, 1, 1e-12);
  for (std::size_t a = 0; a < 3; ++a)
    for (std::size_t b = 0; b < 3; ++b)
      EXPECT_NEAR(plan.probabilities()[a] / plan.probabilities()[b],
                  std::exp((share[b] - share[a]) / temperature), 1e-9);
  EXPECT_EQ(plan.probabilities()[3], 0);  // no sample shows it
}

TEST(ClassSampling, TheUsualTemperatureIsNoOverflow) {
  const ClassPlan plan(1, dataset(), {.kind = Sampling::rare_class, .min_pixels = 50});
  EXPECT_NEAR(plan.probabilities()[1] / plan.probabilities()[2], std::exp(-8), 1e-12);
  EXPECT_GT(plan.probabilities()[0], 0);
}

TEST(ClassSampling, DrawsClassesAndTheirSamplesAsOftenAsItSays) {
  const SamplingOptions uniform{.kind = Sampling::class_uniform, .min_pixels = 50};
  const ClassPlan plan(7, dataset(), uniform);
  std::map<std::pair<int, std::uint64_t>, int> drawn;
  constexpr int kDraws = 12000;
  for (std::uint64_t position = 0; position < kDraws; ++position) {
    const SampleRef ref = plan.at(position);
    EXPECT_EQ(ref.position, position);
    EXPECT_EQ(ref.epoch, position / 4);
    ++drawn[{ref.wanted_class, ref.index}];
  }
  // Class 0 in all four, class 1 in samples 1 and 2, class 2 in sample 1.
  ASSERT_EQ(drawn.size(), 7U);
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_NEAR((drawn[{0, i}]), kDraws / 12, 130) << i;
  for (const std::uint64_t i : {1U, 2U}) EXPECT_NEAR((drawn[{1, i}]), kDraws / 6, 180) << i;
  EXPECT_NEAR((drawn[{2, 1}]), kDraws / 3, 220);
}

TEST(ClassSampling, MoreThanTheLeastPixelsAreNeeded) {
  std::set<std::uint64_t> shown;
  const ClassPlan plan(3, dataset(), {.kind = Sampling::class_uniform, .min_pixels = 400});
  for (std::uint64_t position = 0; position < 400; ++position) {
    const SampleRef ref = plan.at(position);
    if (ref.wanted_class == 1) shown.insert(ref.index);
  }
  EXPECT_EQ(shown, std::set<std::uint64_t>{2});  // sample 1 has exactly 400
}

TEST(ClassSampling, IsAPureFunctionOfSeedAndPosition) {
  const SamplingOptions options{.kind = Sampling::rare_class, .temperature = 1, .min_pixels = 50};
  const ClassPlan plan(5, dataset(), options), again(5, dataset(), options),
      other(6, dataset(), options);
  int different = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const std::uint64_t position = (i * 37) % 100;  // in any order
    EXPECT_EQ(plan.at(position), again.at(position));
    different += plan.at(position) == other.at(position) ? 0 : 1;
  }
  EXPECT_GT(different, 30);
}

TEST(ClassSampling, AFilterTakesItsOwnSamplesOnly) {
  const auto all = source();
  const Dataset last = Dataset("counted", all).subset(std::vector<std::uint64_t>{2, 3});
  const ClassPlan plan(5, last, {.kind = Sampling::class_uniform, .min_pixels = 50});
  for (std::uint64_t position = 0; position < 50; ++position) {
    const SampleRef ref = plan.at(position);
    ASSERT_LT(ref.index, 2U);
    EXPECT_TRUE(ref.wanted_class != 1 || ref.index == 0);
  }
}

TEST(ClassSampling, SaysWhenNoSampleShowsEnough) {
  EXPECT_THROW(ClassPlan(1, dataset(), {.kind = Sampling::rare_class, .min_pixels = 2500}),
               DataError);
  const Dataset uncounted("d", std::make_shared<test::MemorySource>(test::equal_samples(2, 4, 4)));
  EXPECT_THROW(ClassPlan(1, uncounted, {.kind = Sampling::rare_class, .min_pixels = 0}), DataError);
}

}  // namespace
}  // namespace dusk
