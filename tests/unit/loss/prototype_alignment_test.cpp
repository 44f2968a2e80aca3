// Losses on the features of a backbone: alignment with prototypes and distance from the start.
#include "dusk/loss/prototype_alignment.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/comm/in_process.hpp"
#include "dusk/loss/feature_distance.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kClasses = 6;
constexpr std::int64_t kChannels = 4;
constexpr std::int64_t kGrid = 4;
constexpr std::int64_t kSide = 16;

/// One side of the pairs.
struct Side {
  at::Tensor features;  ///< (N, C, h, w) float64
  at::Tensor labels;    ///< (N, H, W)
};

at::Tensor some_features(std::int64_t images, std::uint64_t seed, std::int64_t channels = kChannels,
                         std::int64_t grid = kGrid) {
  at::Tensor features = at::empty({images, channels, grid, grid}, at::kDouble);
  Random random(seed);
  double* out = features.data_ptr<double>();
  for (std::int64_t i = 0; i < features.numel(); ++i) out[i] = random.normal();
  return features;
}

/// Patches of 3 x 5 pixels of classes first .. first + 3, about a fifth of them ignored: cells show
/// several classes.
at::Tensor some_labels(std::int64_t images, std::uint64_t seed, std::int64_t first) {
  at::Tensor labels = at::empty({images, kSide, kSide}, at::kLong);
  auto out = labels.accessor<std::int64_t, 3>();
  for (std::int64_t n = 0; n < images; ++n) {
    for (std::int64_t y = 0; y < kSide; ++y) {
      for (std::int64_t x = 0; x < kSide; ++x) {
        Random random(seed, {static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(y / 3),
                             static_cast<std::uint64_t>(x / 5)});
        const std::int64_t label = first + random.integer(0, 3);
        out[n][y][x] = random.chance(0.2) ? 255 : label;
      }
    }
  }
  return labels;
}

Side some_source(std::int64_t images = 2) {
  return {some_features(images, 1), some_labels(images, 11, 0)};
}
Side some_target(std::int64_t images = 2) {
  return {some_features(images, 2), some_labels(images, 12, 2)};
}

PrototypeOptions options_with(std::vector<std::int64_t> long_tail) {
  PrototypeOptions options;
  options.long_tail = std::move(long_tail);
  return options;
}

LossSum ours(const Side& s, const Side& t, const PrototypeOptions& options,
             Communicator* communicator = nullptr) {
  const auto cells = [](const Side& side) {
    return cell_labels(side.labels, side.features.size(2), side.features.size(3), kClasses);
  };
  return prototype_alignment(s.features, cells(s), t.features, cells(t), options, communicator);
}

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// The definition as loops over pixels in full resolution (spec section 6).
class Reference {
 public:
  Reference(const Side& s, const Side& t, const PrototypeOptions& options)
      : s_(s), t_(t), options_(options) {}

  [[nodiscard]] double sum() const {
    double total = 0;
    for (std::int64_t n = 0; n < s_.labels.size(0); ++n) {
      const Prototypes from_s = prototypes(s_, n);
      const Prototypes from_t = prototypes(t_, n);
      std::set<std::int64_t> overlap;
      for (std::int64_t c = 0; c < kClasses; ++c) {
        if (from_s.cells[index(c)] > 0 && from_t.cells[index(c)] > 0) overlap.insert(c);
      }
      if (overlap.empty()) continue;
      total += direction(t_, n, from_s, overlap, true);
      total += direction(s_, n, from_t, overlap, options_.weight_both_dirs);
    }
    return total;
  }

 private:
  struct Prototypes {
    std::vector<Vector> mean{kClasses, Vector(kChannels, 0)};
    Vector cells = Vector(kClasses, 0);
  };

  static std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

  static Vector feature(const Side& side, std::int64_t n, std::int64_t i, std::int64_t j) {
    Vector result;
    for (std::int64_t c = 0; c < side.features.size(1); ++c) {
      result.push_back(side.features.detach()[n][c][i][j].item<double>());
    }
    return result;
  }

  [[nodiscard]] Prototypes prototypes(const Side& side, std::int64_t own) const {
    const bool of_batch = options_.scope == PrototypeScope::batch;
    Prototypes result;
    const auto labels = side.labels.accessor<std::int64_t, 3>();
    const std::int64_t h = side.features.size(2);
    const std::int64_t cell = kSide / h;
    for (std::int64_t n = of_batch ? 0 : own; n < (of_batch ? labels.size(0) : own + 1); ++n) {
      for (std::int64_t i = 0; i < h; ++i) {
        for (std::int64_t j = 0; j < h; ++j) {
          const Vector f = feature(side, n, i, j);
          const auto add = [&](std::int64_t label, double share) {
            if (label == 255) return;
            result.cells[index(label)] += share;
            for (std::size_t c = 0; c < f.size(); ++c) {
              result.mean[index(label)][c] += share * f[c];
            }
          };
          if (options_.label_down == LabelDown::nearest) {
            add(labels[n][i * cell][j * cell], 1);
            continue;
          }
          for (std::int64_t y = 0; y < cell; ++y) {
            for (std::int64_t x = 0; x < cell; ++x) {
              add(labels[n][i * cell + y][j * cell + x], 1.0 / static_cast<double>(cell * cell));
            }
          }
        }
      }
    }
    for (std::size_t c = 0; c < result.cells.size(); ++c) {
      for (double& value : result.mean[c]) value /= std::max(result.cells[c], 1e-9);
    }
    return result;
  }

  [[nodiscard]] double weight(std::int64_t label, const std::set<std::int64_t>& overlap) const {
    if (!overlap.contains(label)) return 0;
    const bool is_tail = std::find(options_.long_tail.begin(), options_.long_tail.end(), label) !=
                         options_.long_tail.end();
    const double s = static_cast<double>(overlap.size());
    if (!is_tail || options_.weight_form == PrototypeWeight::ones) return 1;
    return options_.weight_form == PrototypeWeight::one_plus_inv ? (s + 1) / s : s + 1 / s;
  }

  [[nodiscard]] double direction(const Side& a, std::int64_t n, const Prototypes& b,
                                 const std::set<std::int64_t>& overlap, bool weighted) const {
    const bool by_logit = options_.weight_mode == PrototypeWeightMode::logit;
    const auto labels = a.labels.accessor<std::int64_t, 3>();
    const std::int64_t cell = kSide / a.features.size(2);
    double sum = 0;
    double total = 0;
    for (std::int64_t y = 0; y < kSide; ++y) {
      for (std::int64_t x = 0; x < kSide; ++x) {
        const std::int64_t label = labels[n][y][x];
        if (label == 255) continue;
        const Vector f = feature(a, n, y / cell, x / cell);
        double normaliser = 0;
        double own = 0;
        for (std::int64_t c = 0; c < kClasses; ++c) {
          const Vector& p = b.mean[index(c)];
          double z = -1 / options_.tau;
          if (b.cells[index(c)] > 0) {
            z = dot(p, f) / std::sqrt(dot(p, p) * dot(f, f)) / options_.tau;
          }
          if (by_logit) z = overlap.contains(c) ? z * weight(c, overlap) : 0;
          normaliser += std::exp(z);
          if (c == label) own = z;
        }
        const double w = by_logit || !weighted ? 1 : weight(label, overlap);
        sum += w * (std::log(normaliser) - own);
        total += w;
      }
    }
    return total > 0 ? sum / total : 0;
  }

  const Side& s_;
  const Side& t_;
  const PrototypeOptions& options_;
};

/// All ways to weigh and to pool, with one class of the tail in both pictures and one in neither.
std::vector<PrototypeOptions> all_options() {
  std::vector<PrototypeOptions> all;
  for (const auto& [form_name, form] : names_of(PrototypeWeight{})) {
    for (const auto& [mode_name, mode] : names_of(PrototypeWeightMode{})) {
      for (const auto& [scope_name, scope] : names_of(PrototypeScope{})) {
        PrototypeOptions options = options_with({3, 5});
        options.weight_form = form;
        options.weight_mode = mode;
        options.scope = scope;
        all.push_back(options);
        options.label_down = LabelDown::soft;
        options.weight_both_dirs = mode == PrototypeWeightMode::logit;
        all.push_back(options);
      }
    }
  }
  return all;
}

TEST(PrototypeAlignment, IsTheFormInFullResolution) {
  const Side s = some_source();
  const Side t = some_target();
  std::set<double> values;
  for (const PrototypeOptions& options : all_options()) {
    const double expected = Reference(s, t, options).sum();
    const LossSum loss = ours(s, t, options);
    EXPECT_NEAR(loss.sum.item<double>(), expected, 1e-11);
    EXPECT_EQ(loss.count.item<std::int64_t>(), 2);
    const Side coarse{s.features.to(at::kFloat), s.labels};
    const Side other{t.features.to(at::kFloat), t.labels};
    EXPECT_NEAR(ours(coarse, other, options).sum.item<double>(), expected, 1e-5 * expected);
    values.insert(std::round(expected * 1e6));
  }
  EXPECT_GE(values.size(), 16U) << "the options hardly matter here";
}

/// Every component of both gradients against differences of the loops.
TEST(PrototypeAlignment, GradientsAreThoseOfFiniteDifferences) {
  for (const PrototypeScope scope : {PrototypeScope::image, PrototypeScope::batch}) {
    PrototypeOptions options = options_with({3});
    options.scope = scope;
    options.tau = 0.5;
    Side s{some_features(2, 3, kChannels, 2), some_labels(2, 13, 1)};
    Side t{some_features(2, 4, kChannels, 2), some_labels(2, 14, 2)};
    s.features.requires_grad_();
    t.features.requires_grad_();
    const auto gradients =
        torch::autograd::grad({ours(s, t, options).sum}, {s.features, t.features});
    for (const int side : {0, 1}) {
      const at::Tensor values = (side == 0 ? s : t).features.detach().view(-1);
      const at::Tensor gradient = gradients[static_cast<std::size_t>(side)].reshape(-1);
      EXPECT_GT(gradient.abs().max().item<double>(), 0.01);
      constexpr double kStep = 1e-5;
      for (std::int64_t i = 0; i < values.numel(); ++i) {
        const auto at_offset = [&](double offset) {
          values[i].add_(offset);
          const double value = Reference(s, t, options).sum();
          values[i].add_(-offset);
          return value;
        };
        const double slope = (at_offset(kStep) - at_offset(-kStep)) / (2 * kStep);
        ASSERT_NEAR(gradient[i].item<double>(), slope, 1e-8) << "side " << side << ", " << i;
      }
    }
  }
}

TEST(PrototypeAlignment, DetachedNightGetsNoGradientAndTheSourceDoes) {
  Side s = some_source();
  const Side night = some_target();
  s.features.requires_grad_();
  ours(s, night, options_with({3})).sum.backward();
  EXPECT_GT(s.features.grad().abs().max().item<double>(), 0);
  EXPECT_FALSE(night.features.grad().defined());
}

TEST(PrototypeAlignment, DoesNotSeeTheScaleOfFeaturesOrTheNamesOfClasses) {
  const Side s = some_source();
  const Side t = some_target();
  const double loss = ours(s, t, options_with({3, 5})).sum.item<double>();
  EXPECT_NEAR(ours({s.features * 7, s.labels}, {t.features * 0.01, t.labels}, options_with({3, 5}))
                  .sum.item<double>(),
              loss, 1e-11);
  const at::Tensor renamed =
      at::cat({at::tensor({4, 2, 0, 5, 1, 3}, at::kLong), at::full({250}, 255, at::kLong)});
  EXPECT_NEAR(ours({s.features, renamed.take(s.labels)}, {t.features, renamed.take(t.labels)},
                   options_with({5, 3}))
                  .sum.item<double>(),
              loss, 1e-11);
}

/// m classes with orthogonal features, the same in both pictures, of K in all.
TEST(PrototypeAlignment, OrthogonalClassesCostNextToNothing) {
  at::Tensor labels = at::empty({1, kSide, kSide}, at::kLong);
  at::Tensor features = at::zeros({1, kChannels, kGrid, kGrid}, at::kDouble);
  for (std::int64_t column = 0; column < kGrid; ++column) {
    const std::int64_t label = column % 3;
    labels.narrow(2, column * 4, 4).fill_(label);
    features.select(1, label).select(2, column).fill_(2);
  }
  const double m = 3;
  const double expected =
      std::log(1 + (m - 1) * std::exp(-10) + (static_cast<double>(kClasses) - m) * std::exp(-20));
  const double loss =
      ours({features, labels}, {3 * features, labels}, options_with({1})).sum.item<double>();
  EXPECT_NEAR(loss, 2 * expected, 1e-13);
}

TEST(PrototypeAlignment, WithoutACommonClassThereIsNoLoss) {
  const at::Tensor none = at::full({2, kSide, kSide}, 255, at::kLong);
  const at::Tensor low = at::zeros({2, kSide, kSide}, at::kLong);
  for (const auto& [first, second] : {std::pair{low, low + 1}, {none, none}, {low, none}}) {
    for (const PrototypeOptions& options : all_options()) {
      Side s{some_features(2, 1).requires_grad_(), first};
      Side t{some_features(2, 2).requires_grad_(), second};
      const LossSum loss = ours(s, t, options);
      EXPECT_EQ(loss.sum.item<double>(), 0);
      EXPECT_EQ(loss.count.item<std::int64_t>(), 2);
      loss.sum.backward();
      EXPECT_TRUE(s.features.grad().eq(0).all().item<bool>());
      EXPECT_TRUE(t.features.grad().eq(0).all().item<bool>());
    }
  }
}

/// A pair without a common class beside one that has some: the mean is over both.
TEST(PrototypeAlignment, APairWithoutACommonClassLeavesTheOthersAlone) {
  Side s = some_source();
  const Side t = some_target();
  const Side second{s.features.narrow(0, 1, 1), s.labels.narrow(0, 1, 1)};
  const Side other{t.features.narrow(0, 1, 1), t.labels.narrow(0, 1, 1)};
  const double alone = ours(second, other, options_with({})).sum.item<double>();
  s.labels[0].fill_(255);
  EXPECT_NEAR(ours(s, t, options_with({})).sum.item<double>(), alone, 1e-12);
}

TEST(PrototypeAlignment, SoftEqualsNearestWhereCellsShowOneClass) {
  const auto whole_cells = [](const at::Tensor& labels) {
    return labels.slice(1, 0, kSide, 4)
        .slice(2, 0, kSide, 4)
        .repeat_interleave(4, 1)
        .repeat_interleave(4, 2);
  };
  Side s = some_source();
  Side t = some_target();
  s.labels = whole_cells(s.labels);
  t.labels = whole_cells(t.labels);
  PrototypeOptions soft = options_with({3});
  const double nearest = ours(s, t, soft).sum.item<double>();
  soft.label_down = LabelDown::soft;
  EXPECT_NEAR(ours(s, t, soft).sum.item<double>(), nearest, 1e-12);
}

TEST(PrototypeAlignment, OnesByLogitWithAllClassesInCommonAreOnesByLoss) {
  Side s = some_source();
  Side t = some_target();
  for (Side* side : {&s, &t}) {
    // The top-left pixels of six cells name all classes.
    for (std::int64_t c = 0; c < kClasses; ++c) {
      side->labels.select(1, c / 4 * 4).select(1, c % 4 * 4).fill_(c);
    }
  }
  PrototypeOptions options = options_with({3});
  options.weight_form = PrototypeWeight::ones;
  const double by_loss = ours(s, t, options).sum.item<double>();
  options.weight_mode = PrototypeWeightMode::logit;
  EXPECT_NEAR(ours(s, t, options).sum.item<double>(), by_loss, 1e-12);
}

TEST(PrototypeAlignment, OfABatchIsTheSameOnAnyNumberOfRanks) {
  const std::vector<std::int64_t> shares = {1, 3, 1};
  PrototypeOptions options = options_with({3, 5});
  options.scope = PrototypeScope::batch;
  Side s = some_source(5);
  Side t = some_target(5);
  s.labels[4].fill_(255);  // a rank whose source shows nothing
  s.features.requires_grad_();
  t.features.requires_grad_();
  const at::Tensor whole = ours(s, t, options).sum;
  EXPECT_NEAR(whole.item<double>(), Reference(s, t, options).sum(), 1e-11);
  const auto expected = torch::autograd::grad({whole}, {s.features, t.features});

  run_in_process(3, [&](Communicator& communicator) {
    const at::AutoGradMode gradients(true);
    at::set_num_threads(1);
    const auto rank = communicator.rank();
    const std::int64_t first =
        std::accumulate(shares.begin(), shares.begin() + rank, std::int64_t{0});
    const std::int64_t count = shares[static_cast<std::size_t>(rank)];
    const auto own = [&](const Side& side) {
      return Side{side.features.detach().narrow(0, first, count).clone().requires_grad_(),
                  side.labels.narrow(0, first, count)};
    };
    const Side mine = own(s);
    const Side other = own(t);
    const LossSum loss = ours(mine, other, options, &communicator);
    loss.sum.backward();
    const double total = sum(communicator, loss.sum.item<double>(), "loss");
    EXPECT_NEAR(total, whole.item<double>(), 1e-11) << "on rank " << rank;
    const auto largest_error = [&](const Side& side, const at::Tensor& gradient) {
      return (side.features.grad() - gradient.narrow(0, first, count)).abs().max().item<double>();
    };
    EXPECT_LT(largest_error(mine, expected[0]), 1e-12) << "on rank " << rank;
    EXPECT_LT(largest_error(other, expected[1]), 1e-12) << "on rank " << rank;
  });
}

TEST(CellLabels, CountEveryPixelOnceAlsoWhereCellsDiffer) {
  // 7 x 5 pixels on 3 x 2 cells: rows 0-2, 3-4, 5-6, columns 0-2, 3-4.
  at::Tensor labels = at::arange(35, at::kLong).remainder(kClasses).view({1, 7, 5});
  labels[0][6][4] = 255;
  const CellLabels cells = cell_labels(labels, 3, 2, kClasses);
  EXPECT_TRUE(at::equal(cells.nearest[0], labels[0]
                                              .index_select(0, at::tensor({0, 2, 4}, at::kLong))
                                              .index_select(1, at::tensor({0, 2}, at::kLong))));
  at::Tensor expected = at::zeros({6, kClasses});
  for (std::int64_t y = 0; y < 7; ++y) {
    for (std::int64_t x = 0; x < 5; ++x) {
      const auto label = labels[0][y][x].item<std::int64_t>();
      const std::int64_t row = y < 3 ? 0 : y < 5 ? 1 : 2;
      if (label != 255) expected[row * 2 + (x < 3 ? 0 : 1)][label] += 1;
    }
  }
  EXPECT_TRUE(at::equal(cells.histogram[0], expected));
  EXPECT_THROW((void)cell_labels(labels, 8, 2, kClasses), InternalError);
}

TEST(PrototypeAlignment, RefusesLabelsOfAnotherGrid) {
  const Side s = some_source();
  const CellLabels wrong = cell_labels(s.labels, 2, 2, kClasses);
  EXPECT_THROW((void)prototype_alignment(s.features, wrong, s.features, wrong, {}), InternalError);
}

TEST(FeatureDistance, IsTheMeanNormOverCellsOfTheirClasses) {
  // Cells of 4 x 4 pixels; of those with 12 of 16 pixels of class 1 or 4 there are four.
  at::Tensor labels = at::zeros({2, kSide, kSide}, at::kLong);
  const auto cell = [&](std::int64_t n, std::int64_t i, std::int64_t j) {
    return labels[n].narrow(0, i * 4, 4).narrow(1, j * 4, 4);
  };
  cell(0, 0, 0).fill_(1);
  cell(0, 1, 2).narrow(0, 1, 3).fill_(4);  // three quarters: just enough
  cell(0, 3, 3).narrow(0, 2, 2).fill_(1);  // half
  cell(1, 2, 1).fill_(255);                // most frequent is the ignored label
  cell(1, 0, 3).fill_(4);
  cell(1, 3, 0).fill_(1).narrow(0, 0, 1).fill_(4);
  cell(1, 1, 1).fill_(2);  // not of the classes
  const at::Tensor student = some_features(2, 1).requires_grad_();
  const at::Tensor frozen = some_features(2, 2);
  const LossSum loss = feature_distance(student, frozen, labels, {1, 4}, 0.75);
  double expected = 0;
  for (const auto& [n, i, j] :
       std::vector<std::array<std::int64_t, 3>>{{0, 0, 0}, {0, 1, 2}, {1, 0, 3}, {1, 3, 0}}) {
    double square = 0;
    for (std::int64_t c = 0; c < kChannels; ++c) {
      square += std::pow((student.detach() - frozen)[n][c][i][j].item<double>(), 2);
    }
    expected += std::sqrt(square);
  }
  EXPECT_NEAR(loss.sum.item<double>(), expected, 1e-12);
  EXPECT_EQ(loss.count.item<std::int64_t>(), 4);
  loss.sum.backward();
  const at::Tensor moved = student.grad().square().sum(1);
  EXPECT_NEAR(moved.sum().item<double>(), 4, 1e-12);  // a unit vector in each chosen cell
  EXPECT_NEAR(moved[0][1][2].item<double>(), 1, 1e-12);
  EXPECT_EQ(moved[0][3][3].item<double>(), 0);
}

TEST(FeatureDistance, IsZeroAtTheStartAndWithoutCells) {
  const at::Tensor student = some_features(2, 1).requires_grad_();
  const at::Tensor labels = at::full({2, kSide, kSide}, 4, at::kLong);
  for (const bool at_start : {true, false}) {
    const at::Tensor frozen = at_start ? student : some_features(2, 2);
    const LossSum loss = feature_distance(student, frozen, labels,
                                          {at_start ? std::int64_t{4} : std::int64_t{3}}, 0.75);
    EXPECT_EQ(loss.sum.item<double>(), 0);
    EXPECT_EQ(loss.count.item<std::int64_t>(), at_start ? 32 : 0);
    loss.sum.backward();
    EXPECT_TRUE(student.grad().eq(0).all().item<bool>());
  }
}

}  // namespace
}  // namespace dusk
