// Mixing, jitter and memory bank of method dsrnss: spec section 13, "DSR".
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "dusk/base/error.hpp"
#include "dusk/data/pixel_values.hpp"
#include "methods/dsrnss/class_mixing.hpp"
#include "methods/dsrnss/memory_bank.hpp"
#include "methods/dsrnss/mixed_jitter.hpp"
#include "support/expect_error.hpp"
#include "unit/methods/dsrnss_examples.hpp"

namespace dusk {
namespace {

using test::cityscapes_groups;
using test::largest_difference;
using test::uniform;

using Labels = std::vector<std::int64_t>;

/// Labels of 0 to 18 and 255, other ones in each picture.
at::Tensor some_labels(std::int64_t images, std::int64_t height, std::int64_t width) {
  at::Tensor labels = at::empty({images, height, width}, at::kLong);
  auto out = labels.accessor<std::int64_t, 3>();
  for (std::int64_t n = 0; n < images; ++n) {
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        const std::int64_t label = (3 * n + y * 5 / 2 + 7 * (x / 2)) % 20;
        out[n][y][x] = label == 19 ? 255 : label;
      }
    }
  }
  return labels;
}

TEST(ClassGroups, AreThoseOfTheSpec) {
  const ClassGroups found = cityscapes_groups();
  EXPECT_EQ(found.large_static, (Labels{0, 1, 2, 3, 4, 8, 9, 10}));
  EXPECT_EQ(found.small, (Labels{5, 6, 7}));
  EXPECT_EQ(found.dynamic, (Labels{11, 12, 13, 14, 15, 16, 17, 18}));
  EXPECT_EQ(found.long_tail, (Labels{12, 14, 15, 17, 18}));
  EXPECT_EQ(found.distance, (Labels{6, 7, 11, 12, 13, 14, 15, 16, 17, 18}));
}

TEST(ClassGroups, ANameThatTheSpaceLacksIsAnError) {
  const std::string message = test::message_of<ConfigError>([] {
    (void)class_groups({.long_tail = {"car", "tram"}}, label_space("cityscapes19"));
  });
  test::expect_contains(message, "'tram' in 'long_tail'");
  test::expect_contains(message, "traffic light");
  const ClassGroupNames names{.large_static = {"road"},
                              .small = {"pole"},
                              .dynamic = {"bicyclist", "car"},
                              .long_tail = {"bicyclist"},
                              .distance = {"car"}};
  const ClassGroups camvid = class_groups(names, label_space("camvid11"));
  EXPECT_EQ(camvid.dynamic, (Labels{8, 10}));
  EXPECT_TRUE(camvid.relations.empty());
}

Labels drawn(const Labels& present, Composite composite, std::uint64_t seed,
             bool allow_ignore = true) {
  Random random(seed);
  return composite_classes(present, composite, cityscapes_groups(), allow_ignore, random);
}

const std::vector<Labels> kPresent = {
    {0, 2, 5, 6, 7, 8, 11, 12, 13, 17, 18, 255}, {5, 6, 7}, {0, 1, 6, 12, 18}, {3, 7, 12, 17}, {9}};

TEST(CompositeClasses, HalfOfThemAreDrawnAllAlike) {
  for (const Labels& present : kPresent) {
    std::map<std::int64_t, int> times;
    constexpr int kDraws = 3000;
    const std::size_t half = (present.size() + 1) / 2;
    for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
      const Labels labels = drawn(present, Composite::random, seed);
      EXPECT_EQ(labels.size(), half);
      for (const std::int64_t label : labels) ++times[label];
    }
    const double expected =
        kDraws * static_cast<double>(half) / static_cast<double>(present.size());
    for (const std::int64_t label : present) EXPECT_NEAR(times[label], expected, 150) << label;
    EXPECT_EQ(times.size(), present.size());
  }
}

TEST(CompositeClasses, AddTheGroupsThatThePictureShows) {
  const std::map<Composite, Labels> added = {
      {Composite::random, {}},
      {Composite::random_small, {5, 6, 7}},
      {Composite::random_dynamic, {11, 12, 13, 14, 15, 16, 17, 18}},
      {Composite::random_small_dynamic, {5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 18}},
      {Composite::paper, {5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 18}}};
  for (const Labels& present : kPresent) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const Labels half = drawn(present, Composite::random, seed);
      EXPECT_TRUE(drawn(present, Composite::none, seed).empty());
      for (const auto& [composite, more] : added) {
        std::set<std::int64_t> expected(half.begin(), half.end());
        for (const std::int64_t label : present) {
          if (std::count(more.begin(), more.end(), label) > 0) expected.insert(label);
        }
        EXPECT_EQ(drawn(present, composite, seed), Labels(expected.begin(), expected.end()));
      }
    }
  }
}

/// The released code's rules, in its order, so that one may follow from another.
TEST(CompositeClasses, OfTheReleasedCodeAreClosedUnderItsRelations) {
  int grown = 0;
  for (const Labels& present : kPresent) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      const Labels half = drawn(present, Composite::random, seed);
      std::set<std::int64_t> expected(half.begin(), half.end());
      const auto rule = [&](std::int64_t if_drawn, std::int64_t then) {
        const bool shown = std::count(present.begin(), present.end(), then) > 0;
        if (expected.count(if_drawn) > 0 && shown) expected.insert(then);
      };
      rule(6, 5);
      rule(7, 5);
      rule(5, 6);
      rule(5, 7);
      rule(12, 18);
      rule(12, 17);
      EXPECT_EQ(drawn(present, Composite::released, seed),
                Labels(expected.begin(), expected.end()));
      if (expected.size() > half.size()) ++grown;
    }
  }
  EXPECT_GT(grown, 100);
}

TEST(CompositeClasses, TheIgnoredLabelIsDrawnOnlyIfAllowed) {
  const Labels present = {1, 255};
  std::set<Labels> with, without;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    with.insert(drawn(present, Composite::paper, seed));
    without.insert(drawn(present, Composite::paper, seed, /*allow_ignore=*/false));
  }
  EXPECT_EQ(with, (std::set<Labels>{{1}, {255}}));
  EXPECT_EQ(without, (std::set<Labels>{{1}}));
  EXPECT_TRUE(drawn({255}, Composite::paper, 0, false).empty());
}

TEST(ClassMask, IsTrueWhereThePictureListsTheLabel) {
  const at::Tensor labels = some_labels(3, 9, 14);
  const std::vector<Labels> present = present_labels(labels);
  std::vector<Labels> classes;
  for (std::uint64_t n = 0; n < 3; ++n) {
    Random random(n);
    classes.push_back(composite_classes(labels[static_cast<std::int64_t>(n)], Composite::paper,
                                        cityscapes_groups(), true, random));
    EXPECT_EQ(classes.back(), drawn(present[n], Composite::paper, n));
  }
  const at::Tensor mask = class_mask(labels, classes);
  EXPECT_EQ(mask.scalar_type(), at::kBool);
  const auto truth = labels.accessor<std::int64_t, 3>();
  for (std::int64_t n = 0; n < 3; ++n) {
    const Labels& own = classes[static_cast<std::size_t>(n)];
    std::set<std::int64_t> seen;
    for (std::int64_t y = 0; y < 9; ++y) {
      for (std::int64_t x = 0; x < 14; ++x) {
        const std::int64_t label = truth[n][y][x];
        seen.insert(label);
        const bool is_own = std::count(own.begin(), own.end(), label) > 0;
        ASSERT_EQ(mask[n][y][x].item<bool>(), is_own);
        const bool is_added = (label >= 5 && label <= 7) || (label >= 11 && label <= 18);
        ASSERT_TRUE(is_own || !is_added);
      }
    }
    EXPECT_EQ(present[static_cast<std::size_t>(n)], Labels(seen.begin(), seen.end()));
  }
  EXPECT_THROW((void)class_mask(labels, {{1}}), InternalError);
}

TEST(Mix, TakesTheSourceWhereTheMaskIs) {
  const at::Tensor mask = uniform({2, 6, 8}, 1) < 0.3;
  const at::Tensor source = uniform({2, 3, 6, 8}, 2);
  const at::Tensor target = uniform({2, 3, 6, 8}, 3);
  const at::Tensor source_labels = some_labels(2, 6, 8);
  const at::Tensor target_labels = some_labels(4, 6, 8).narrow(0, 2, 2);
  const at::Tensor q = at::full({}, 0.37F);
  const Mixed mixed = mix(mask, source, source_labels, target, target_labels, q);
  for (std::int64_t n = 0; n < 2; ++n) {
    for (std::int64_t y = 0; y < 6; ++y) {
      for (std::int64_t x = 0; x < 8; ++x) {
        const bool from_source = mask[n][y][x].item<bool>();
        for (std::int64_t c = 0; c < 3; ++c) {
          ASSERT_EQ(mixed.images[n][c][y][x].item<float>(),
                    (from_source ? source : target)[n][c][y][x].item<float>());
        }
        ASSERT_EQ(mixed.labels[n][y][x].item<int>(),
                  (from_source ? source_labels : target_labels)[n][y][x].item<int>());
        ASSERT_EQ(mixed.weights[n][y][x].item<float>(), from_source ? 1.0F : 0.37F);
      }
    }
  }
  const double share = mask.to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(mixed.weights.mean().item<double>(), share + (1 - share) * 0.37, 1e-6);
  EXPECT_THROW((void)mix(mask[0].unsqueeze(0), source, source_labels, target, target_labels, q),
               InternalError);
}

TEST(Mix, WeighsTargetPixelsByTheShareOfConfidentOnes) {
  at::Tensor probabilities = at::full({2, 3, 2, 2}, 0.2F);
  probabilities[0][1][0][0] = 0.968;
  probabilities[0][2][1][1] = 0.99;
  probabilities[1][0][0][1] = 0.96;
  EXPECT_EQ(count_confident(probabilities, 0.965).item<std::int64_t>(), 2);
  EXPECT_EQ(count_confident(probabilities, 0).item<std::int64_t>(), 8);
  EXPECT_EQ(count_confident(probabilities, 0.5).scalar_type(), at::kLong);

  const MixOptions options{.ignore_top = 1, .ignore_bottom = 2};
  const at::Tensor weight = target_weight(at::full({}, 0.25F), 5, options);
  EXPECT_TRUE(at::equal(weight.view(-1), at::tensor({0.0F, 0.25F, 0.25F, 0.0F, 0.0F})));
  const at::Tensor none = at::zeros({1, 5, 4}, at::kBool);
  const Mixed mixed = mix(none, uniform({1, 3, 5, 4}, 1), at::zeros({1, 5, 4}, at::kLong),
                          uniform({1, 3, 5, 4}, 2), at::ones({1, 5, 4}, at::kLong), weight);
  EXPECT_TRUE(at::equal(mixed.weights, weight.expand({1, 5, 4})));
}

/// (3, H, W) through a function of interleaved pixels.
template <class Change>
at::Tensor by_pixels(const at::Tensor& rgb, const Change& change) {
  const at::Tensor pixels = rgb.permute({1, 2, 0}).contiguous().clone();
  change(std::span<float>(pixels.data_ptr<float>(), static_cast<std::size_t>(pixels.numel())));
  return pixels.permute({2, 0, 1});
}

TEST(MixedJitter, ChangesColoursAsTheDataLayerDoes) {
  at::Tensor picture = uniform({3, 12, 15}, 4, -0.01, 1.01).clamp(0, 1);
  picture.select(1, 0).copy_(uniform({15}, 5));  // grey
  picture.select(1, 1).zero_();
  picture.select(1, 2).fill_(1);
  picture.select(1, 3).copy_(picture.select(1, 3).round());  // corners of the cube
  const MixedJitterOptions options;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    const ColorJitter jitter = draw_color_jitter(options.color, random);
    const at::Tensor expected =
        by_pixels(picture, [&](std::span<float> rgb) { change_colors(jitter, rgb); });
    EXPECT_LT(largest_difference(change_colors(picture, jitter), expected), 1e-5) << seed;
    EXPECT_GT(largest_difference(picture, expected), 0.02) << seed;
  }
  EXPECT_THROW((void)change_colors(picture, {.kind = JitterKind::torchvision}), InternalError);
}

TEST(MixedJitter, BlursAsTheDataLayerDoes) {
  const at::Tensor pictures = uniform({2, 3, 41, 64}, 6);
  for (const double sigma : {0.15, 0.6, 1.15, 3.0}) {
    const at::Tensor ours = blurred(pictures, sigma);
    for (std::int64_t n = 0; n < 2; ++n) {
      const at::Tensor expected =
          by_pixels(pictures[n], [&](std::span<float> rgb) { Blur().apply(sigma, 41, 64, rgb); });
      EXPECT_LT(largest_difference(ours[n], expected), 1e-5) << sigma;
    }
  }
  EXPECT_LT(largest_difference(blurred(pictures, 0.05), pictures), 1e-5);
}

TEST(MixedJitter, WithoutStrengthItIsTheIdentity) {
  const at::Tensor images = uniform({2, 3, 30, 30}, 7, -1.5, 2);
  MixedJitterOptions options{.color = {1, JitterKind::kornia, 0, 0, 0, 0}, .blur = {1, 0.05, 0.06}};
  EXPECT_LT(largest_difference(jitter_mixed(images, options, 1, 0, {0, 1}), images), 1e-5);
  options.color.probability = options.blur.probability = 0;
  options.color.hue = 0.2;
  EXPECT_TRUE(at::equal(jitter_mixed(images, options, 1, 0, {0, 1}), images));
}

TEST(MixedJitter, DrawsByStepWhetherAndByPositionHow) {
  const MixedJitterOptions options;
  const at::Tensor images = uniform({1, 3, 24, 24}, 8, -1.5, 2).expand({4, 3, 24, 24});
  const at::Tensor before = images.clone();
  std::map<std::uint64_t, at::Tensor> all;
  int changed = 0;
  for (std::uint64_t step = 0; step < 300; ++step) {
    const at::Tensor together = jitter_mixed(images, options, 3, step, {40, 41, 42, 43});
    const bool is_changed = !at::equal(together, before);
    if (is_changed) ++changed;
    if (step > 5) continue;
    EXPECT_TRUE(at::equal(together, jitter_mixed(images, options, 3, step, {40, 41, 42, 43})));
    for (std::int64_t row = 0; row < 4; ++row) {
      const at::Tensor alone = jitter_mixed(images.narrow(0, row, 1), options, 3, step,
                                            {40 + static_cast<std::uint64_t>(row)});
      EXPECT_TRUE(at::equal(alone[0], together[row])) << step;
    }
    if (is_changed) {
      EXPECT_FALSE(at::equal(together[0], together[1]));
    }
  }
  EXPECT_NEAR(changed, 300 * (1 - 0.2 * 0.5), 20);
  EXPECT_TRUE(at::equal(images, before)) << "the input is left alone";
  MixedJitterOptions color_only = options;
  color_only.blur.probability = 0;
  changed = 0;
  for (std::uint64_t step = 0; step < 300; ++step) {
    if (!at::equal(jitter_mixed(images, color_only, 3, step, {0, 1, 2, 3}), before)) ++changed;
  }
  EXPECT_NEAR(changed, 300 * 0.8, 30);
  EXPECT_THROW((void)jitter_mixed(images, options, 3, 0, {1}), InternalError);
}

constexpr std::int64_t kSide = 6;

MemoryBank bank_of(std::int64_t capacity, std::int64_t batch = 2, bool weight_one = true) {
  return {{.name = "bank",
           .capacity = capacity,
           .weight_one = weight_one,
           .global_batch = batch,
           .height = kSide,
           .width = kSide},
          at::kCPU};
}

/// Source batch number i: pictures of one value each, labels with objects in places of its own.
struct Source {
  at::Tensor images, labels;
};

Source source(std::int64_t i, std::int64_t batch = 2) {
  at::Tensor labels = some_labels(batch * (i + 1), kSide, kSide).narrow(0, batch * i, batch);
  return {at::arange(batch, at::kFloat)
              .add(10.0 * static_cast<double>(i + 1))
              .view({-1, 1, 1, 1})
              .expand({batch, 3, kSide, kSide})
              .contiguous(),
          labels.contiguous()};
}

Mixed some_mixed(std::int64_t rows = 2) {
  return {at::full({rows, 3, kSide, kSide}, -1.0F), at::full({rows, kSide, kSide}, 3, at::kLong),
          at::full({rows, kSide, kSide}, 0.25F)};
}

/// What pasting the entries `from` .. `to` over `some_mixed` gives, pixel by pixel.
void expect_pasted(const Mixed& found, std::int64_t from, std::int64_t to, bool weight_one,
                   std::int64_t batch = 2, std::int64_t first_row = 0) {
  const Labels long_tail = cityscapes_groups().long_tail;
  for (std::int64_t n = 0; n < found.images.size(0); ++n) {
    for (std::int64_t y = 0; y < kSide; ++y) {
      for (std::int64_t x = 0; x < kSide; ++x) {
        float value = -1;
        std::int64_t label = 3;
        float weight = 0.25F;
        for (std::int64_t i = from; i <= to; ++i) {
          const Source entry = source(i, batch);
          const auto own = entry.labels[first_row + n][y][x].item<std::int64_t>();
          if (std::count(long_tail.begin(), long_tail.end(), own) == 0) continue;
          value = entry.images[first_row + n][0][y][x].item<float>();
          label = own;
          weight = weight_one ? 1.0F : 0.25F;
        }
        ASSERT_EQ(found.images[n][1][y][x].item<float>(), value);
        ASSERT_EQ(found.labels[n][y][x].item<std::int64_t>(), label);
        ASSERT_EQ(found.weights[n][y][x].item<float>(), weight);
      }
    }
  }
}

TEST(MemoryBank, PastesWhatItKeepsFromTheOldestToTheNewest) {
  for (const bool weight_one : {true, false}) {
    MemoryBank bank = bank_of(3, 2, weight_one);
    for (std::int64_t i = 0; i < 8; ++i) {
      const Source batch = source(i);
      bank.push(batch.images, batch.labels, cityscapes_groups().long_tail);
      batch.images.fill_(99);  // of no consequence to what is kept
      batch.labels.fill_(12);
      EXPECT_EQ(bank.size(), std::min<std::int64_t>(i + 1, 3));
      const Mixed before = some_mixed();
      Mixed mixed = before;
      bank.paste(mixed, 0);
      expect_pasted(mixed, std::max<std::int64_t>(i - 2, 0), i, weight_one);
      EXPECT_TRUE(at::equal(before.images, some_mixed().images));
      EXPECT_TRUE(at::equal(before.weights, some_mixed().weights));
    }
  }
}

TEST(MemoryBank, GivesEachRankTheRowsOfItsSamples) {
  MemoryBank bank = bank_of(2, 3);
  for (std::int64_t i = 0; i < 3; ++i) {
    const Source batch = source(i, 3);
    bank.push(batch.images, batch.labels, cityscapes_groups().long_tail);
  }
  for (const auto& [first, rows] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 1}, {1, 2}, {2, 1}, {0, 3}, {1, 0}}) {
    Mixed mixed = some_mixed(rows);
    bank.paste(mixed, first);
    expect_pasted(mixed, 1, 2, true, 3, first);
  }
  Mixed mixed = some_mixed(2);
  EXPECT_THROW(bank.paste(mixed, 2), InternalError);
}

TEST(MemoryBank, IsDueEveryFewStepsAndOffWithoutCapacity) {
  const MemoryBank bank = bank_of(3);
  for (std::int64_t step = 0; step < 20; ++step) EXPECT_EQ(bank.due(step), step % 5 == 0);
  MemoryBank off = bank_of(0);
  off.push(source(0).images, source(0).labels, cityscapes_groups().long_tail);
  EXPECT_EQ(off.size(), 0);
  EXPECT_FALSE(off.due(0));
  Mixed mixed = some_mixed();
  off.paste(mixed, 0);
  EXPECT_TRUE(at::equal(mixed.images, some_mixed().images));
  MemoryBank small = bank_of(3, 1);
  EXPECT_THROW(small.push(source(0).images, source(0).labels, {}), InternalError);
}

/// Copies the state of one bank and writes it into another.
class Copy : public StateVisitor {
 public:
  void tensors(std::string_view, const std::vector<NamedTensor>& tensors) override {
    for (const NamedTensor& entry : tensors) {
      if (writing) entry.tensor.copy_(tensors_.at(entry.name));
      if (!writing) tensors_[entry.name] = entry.tensor.clone();
    }
  }
  void integer(std::string_view name, std::int64_t& value) override {
    auto& kept = integers_[std::string(name)];
    (writing ? value : kept) = writing ? kept : value;
  }
  void real(std::string_view, double&) override { FAIL(); }

  bool writing = false;

 private:
  std::map<std::string, at::Tensor> tensors_;
  std::map<std::string, std::int64_t> integers_;
};

TEST(MemoryBank, ResumesFromItsState) {
  MemoryBank bank = bank_of(3);
  for (std::int64_t i = 0; i < 4; ++i) {
    bank.push(source(i).images, source(i).labels, cityscapes_groups().long_tail);
  }
  Copy copy;
  bank.visit(copy);
  copy.writing = true;
  MemoryBank resumed = bank_of(3);
  resumed.visit(copy);
  resumed.push(source(4).images, source(4).labels, cityscapes_groups().long_tail);
  Mixed mixed = some_mixed();
  resumed.paste(mixed, 0);
  expect_pasted(mixed, 2, 4, true);
}

}  // namespace
}  // namespace dusk
