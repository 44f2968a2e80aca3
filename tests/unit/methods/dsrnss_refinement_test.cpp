// Refinement of night pseudo-labels by the day: spec section 13, "Warp / refine".
#include "methods/dsrnss/refinement.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "dusk/base/error.hpp"
#include "unit/methods/dsrnss_examples.hpp"

namespace dusk {
namespace {

using test::largest_difference;
using test::uniform;

constexpr std::int64_t kClasses = 19;
constexpr std::int64_t kHeight = 7;
constexpr std::int64_t kWidth = 9;

at::Tensor some_logits(std::uint64_t seed, double size = 3) {
  return uniform({3, kClasses, kHeight, kWidth}, seed, -size, size);
}

/// No flow, a whole shift, and a flow between pixels that leaves the picture.
at::Tensor some_flow() {
  at::Tensor flow = at::zeros({3, 2, kHeight, kWidth});
  flow[1][0].fill_(2);
  flow[1][1].fill_(-1);
  flow[2].copy_(uniform({2, kHeight, kWidth}, 21, -2.5, 2.5));
  return flow;
}

using Scores = std::array<double, kClasses>;

Scores softmax(const Scores& logits) {
  Scores result{};
  double sum = 0;
  for (std::size_t c = 0; c < result.size(); ++c) sum += result[c] = std::exp(logits[c]);
  for (double& value : result) value /= sum;
  return result;
}

std::size_t largest(const Scores& scores) {
  return static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

/// Spec section 4 as loops in double. `logits` (N, K, H, W).
class Refinement {
 public:
  Refinement(const at::Tensor& night, const at::Tensor& day, const DayAlignment& alignment,
             const RefinementOptions& options)
      : night_(night.to(at::kDouble)),
        day_(day.to(at::kDouble)),
        alignment_(alignment),
        options_(options) {}

  struct Pixel {
    Scores refined, night, day;
    double trust, confidence;
    bool valid, is_static;
  };

  [[nodiscard]] Pixel at(std::int64_t n, std::int64_t y, std::int64_t x) const {
    Pixel pixel{};
    pixel.night = softmax(scores(night_, n, y, x));
    double dx = 0;
    double dy = 0;
    const bool moves =
        alignment_.flow.defined() && alignment_.flow[n].abs().sum().item<double>() > 0;
    if (moves) {
      dx = alignment_.flow[n][0][y][x].item<double>();
      dy = alignment_.flow[n][1][y][x].item<double>();
    }
    const double py = static_cast<double>(y) + dy;
    const double px = static_cast<double>(x) + dx;
    pixel.valid = !moves || (px > 0 && px < kWidth - 1 && py > 0 && py < kHeight - 1);
    pixel.day = softmax(sampled(n, py, px));
    pixel.trust = trust(n);
    pixel.confidence = 0.5;
    if (options_.confidence) {
      const at::Tensor map = alignment_.confidence.expand({3, 1, kHeight, kWidth});
      pixel.confidence = map[n][0][y][x].item<double>();
    }
    const auto is_static = [](std::size_t c) { return c <= 4 || (c >= 8 && c <= 10); };
    pixel.is_static =
        options_.static_mask && is_static(largest(pixel.night)) && is_static(largest(pixel.day));
    for (std::size_t c = 0; c < kClasses; ++c) {
      const double mask = pixel.is_static && is_static(c) ? 1 : 0;
      const double share = pixel.valid ? pixel.trust * std::max(pixel.confidence, mask) : 0;
      pixel.refined[c] = (1 - share) * pixel.night[c] + share * pixel.day[c];
    }
    return pixel;
  }

 private:
  static Scores scores(const at::Tensor& logits, std::int64_t n, std::int64_t y, std::int64_t x) {
    Scores result{};
    for (std::size_t c = 0; c < kClasses; ++c) {
      result[c] = logits[n][static_cast<std::int64_t>(c)][y][x].item<double>();
    }
    return result;
  }

  [[nodiscard]] Scores sampled(std::int64_t n, double py, double px) const {
    Scores result{};
    for (const double y : {std::floor(py), std::floor(py) + 1}) {
      for (const double x : {std::floor(px), std::floor(px) + 1}) {
        const double weight = (1 - std::abs(py - y)) * (1 - std::abs(px - x));
        if (weight <= 0 || y < 0 || y > kHeight - 1 || x < 0 || x > kWidth - 1) continue;
        const Scores corner =
            scores(day_, n, static_cast<std::int64_t>(y), static_cast<std::int64_t>(x));
        for (std::size_t c = 0; c < kClasses; ++c) result[c] += weight * corner[c];
      }
    }
    return result;
  }

  [[nodiscard]] double trust(std::int64_t n) const {
    double entropy = 0;
    for (std::int64_t y = 0; y < kHeight; ++y) {
      for (std::int64_t x = 0; x < kWidth; ++x) {
        for (const double p : softmax(scores(night_, n, y, x))) entropy -= p * std::log(p);
      }
    }
    return std::pow(entropy / (kHeight * kWidth) / std::log(19.0), options_.gamma);
  }

  at::Tensor night_, day_;
  const DayAlignment& alignment_;
  const RefinementOptions& options_;
};

at::Tensor refined(const at::Tensor& night, const at::Tensor& day, const DayAlignment& alignment,
                   const RefinementOptions& options = {}) {
  return refine(night, day, alignment, test::cityscapes_groups().large_static, options);
}

TEST(Refine, IsTheBlendOfTheSpec) {
  at::Tensor night = some_logits(31);
  at::Tensor day = some_logits(32);
  night.select(1, 2).add_(2);  // building is seen often, by both
  day.select(1, 2).add_(2);
  const DayAlignment map{some_flow(), uniform({3, 1, kHeight, kWidth}, 33)};
  const DayAlignment constant{{}, uniform({3, 1, 1, 1}, 34)};
  const std::vector<std::pair<DayAlignment, RefinementOptions>> cases = {
      {map, {}},
      {map, {.gamma = 1, .static_mask = false}},
      {map, {.confidence = false}},
      {constant, {}},
      {{some_flow(), constant.confidence}, {.static_mask = false, .confidence = false}}};
  for (const auto& [alignment, options] : cases) {
    const at::Tensor found = refined(night, day, alignment, options);
    const Refinement reference(night, day, alignment, options);
    int invalid = 0;
    int masked = 0;
    for (std::int64_t n = 0; n < 3; ++n) {
      for (std::int64_t y = 0; y < kHeight; ++y) {
        for (std::int64_t x = 0; x < kWidth; ++x) {
          const Refinement::Pixel pixel = reference.at(n, y, x);
          double sum = 0;
          double excess = 0;  // of the day's probability of static classes
          for (std::size_t c = 0; c < kClasses; ++c) {
            const double value = found[n][static_cast<std::int64_t>(c)][y][x].item<double>();
            ASSERT_NEAR(value, pixel.refined[c], 2e-6) << n << " " << y << " " << x << " " << c;
            sum += value;
            if (c <= 4 || (c >= 8 && c <= 10)) excess += pixel.day[c] - pixel.night[c];
          }
          const bool acts = pixel.is_static && pixel.valid;
          ASSERT_NEAR(sum, acts ? 1 + pixel.trust * (1 - pixel.confidence) * excess : 1, 1e-5);
          invalid += pixel.valid ? 0 : 1;
          masked += acts ? 1 : 0;
        }
      }
    }
    EXPECT_TRUE(found.ge(0).all().item<bool>() && found.le(1 + 1e-6).all().item<bool>());
    EXPECT_EQ(invalid > 20, alignment.flow.defined());
    EXPECT_EQ(masked > 5, options.static_mask);
  }
}

TEST(Refine, LeavesACertainNightAndTrustsTheDayForAnUncertainOne) {
  const at::Tensor day = some_logits(32);
  const DayAlignment sure{{}, at::ones({3, 1, 1, 1})};
  at::Tensor certain = at::zeros({3, kClasses, kHeight, kWidth});
  certain.select(1, 13).fill_(100);
  EXPECT_LT(largest_difference(refined(certain, day, sure), at::softmax(certain, 1)), 1e-6);
  const at::Tensor uncertain = at::zeros_like(day);
  EXPECT_LT(largest_difference(refined(uncertain, day, sure), at::softmax(day, 1)), 1e-6);
  const at::Tensor night = some_logits(31);
  const DayAlignment none{{}, at::zeros({3, 1, 1, 1})};
  EXPECT_TRUE(at::equal(refined(night, day, none, {.static_mask = false}),
                        at::log_softmax(night, 1).exp()));
}

TEST(Refine, WithoutFlowItIsThatOfAFlowOfZero) {
  const at::Tensor night = some_logits(31).to(at::kBFloat16);
  const at::Tensor day = some_logits(32);
  const DayAlignment still{at::zeros({3, 2, kHeight, kWidth}),
                           at::full({3, 1, kHeight, kWidth}, 0.5F)};
  const at::Tensor found = refined(night, day, {{}, at::full({3, 1, 1, 1}, 0.5F)});
  EXPECT_TRUE(at::equal(found, refined(night, day, still)));
  EXPECT_TRUE(at::equal(found, refined(night, day, {}, {.confidence = false})));
  EXPECT_EQ(found.scalar_type(), at::kFloat);
  EXPECT_THROW((void)refined(night, day.narrow(2, 0, 3), still), InternalError);
}

}  // namespace
}  // namespace dusk
