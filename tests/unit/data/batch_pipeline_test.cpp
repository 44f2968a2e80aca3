#include "dusk/data/batch_pipeline.hpp"

#include <ATen/ops/cat.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "dusk/base/clock.hpp"
#include "dusk/device/device.hpp"
#include "support/expect_error.hpp"
#include "unit/data/memory_source.hpp"

namespace dusk {
namespace {

using test::equal_samples;
using test::expect_contains;
using test::MemorySource;
using test::message_of;

constexpr AugmentOptions kAugment{
    .crop_height = 12, .crop_width = 14, .scale_min = 0.6, .scale_max = 1.5};
constexpr AugmentOptions kCropAndFlip{.crop_height = 12, .crop_width = 14};

std::shared_ptr<MemorySource> pictures(int count) {
  return std::make_shared<MemorySource>(equal_samples(count, 20, 30));
}

std::vector<StreamSpec> one_stream(const std::shared_ptr<MemorySource>& source, int batch = 6,
                                   const AugmentOptions& augment = kAugment) {
  return {{.name = "source",
           .dataset = Dataset("memory", source),
           .augment = augment,
           .global_batch = batch}};
}

/// Source and target, of other sizes, batches and options.
std::vector<StreamSpec> two_streams() {
  auto streams = one_stream(pictures(17), 6);
  streams.push_back({.name = "target",
                     .dataset = Dataset("memory", pictures(11)),
                     .augment = {.crop_height = 8, .crop_width = 40, .flip = 1.0},
                     .global_batch = 12,
                     .labels = false});
  return streams;
}

std::unique_ptr<BatchPipeline> make(std::vector<StreamSpec> streams, int rank = 0, int size = 1,
                                    const PipelineOptions& options = {}, std::uint64_t seed = 42) {
  return std::make_unique<BatchPipeline>(std::move(streams), seed, rank, size, Device::cpu(),
                                         options);
}

void expect_equal(const StreamBatch& a, const StreamBatch& b) {
  EXPECT_TRUE(a.images.equal(b.images));
  ASSERT_EQ(a.labels.defined(), b.labels.defined());
  EXPECT_TRUE(!a.labels.defined() || a.labels.equal(b.labels));
  EXPECT_EQ(a.refs, b.refs);
  EXPECT_EQ(a.names, b.names);
  EXPECT_EQ(a.first_position, b.first_position);
}

void expect_equal(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.step, b.step);
  ASSERT_EQ(a.streams.size(), b.streams.size());
  for (const auto& [name, stream] : a.streams) expect_equal(stream, b.stream(name));
}

/// The grey levels behind a normalised picture (3, H, W).
at::Tensor grey_levels(const at::Tensor& image) {
  const auto mean = at::tensor({0.485, 0.456, 0.406}).reshape({3, 1, 1});
  const auto deviation = at::tensor({0.229, 0.224, 0.225}).reshape({3, 1, 1});
  return ((image * deviation + mean) * 255).round().to(at::kInt);
}

TEST(BatchPipeline, CropsComeFromTheirSampleWithTheirLabels) {
  // Pixels say (y, x, sample): a crop must be one window of the right sample, flipped or not, and
  // the label must be that of the same pixels.
  const auto pipeline = make(one_stream(pictures(9), 6, kCropAndFlip));
  int flipped = 0, moved = 0;
  for (std::uint64_t step = 0; step < 6; ++step) {
    const Batch batch = pipeline->next();
    const StreamBatch& stream = batch.stream("source");
    ASSERT_EQ(stream.images.sizes(), (at::IntArrayRef{6, 3, 12, 14}));
    ASSERT_EQ(stream.labels.sizes(), (at::IntArrayRef{6, 12, 14}));
    for (int i = 0; i < 6; ++i) {
      const auto sample = stream.refs[static_cast<std::size_t>(i)].index;
      const at::Tensor image = grey_levels(stream.images[i]);
      const auto pixel = image.accessor<int, 3>();
      const at::Tensor label_of_sample = stream.labels[i];
      const auto label = label_of_sample.accessor<std::int64_t, 2>();
      const bool flip = pixel[1][0][0] > pixel[1][0][1];
      flipped += flip ? 1 : 0;
      moved += pixel[0][0][0] > 0 ? 1 : 0;
      for (int row = 0; row < 12; ++row)
        for (int column = 0; column < 14; ++column) {
          const int y = pixel[0][0][0] + row;
          const int x = pixel[1][0][0] + (flip ? -column : column);
          ASSERT_EQ(pixel[0][row][column], y);
          ASSERT_EQ(pixel[1][row][column], x);
          ASSERT_EQ(pixel[2][row][column], static_cast<int>(sample));
          ASSERT_EQ(label[row][column], (y + 2 * x + static_cast<int>(sample)) % 11);
        }
    }
  }
  EXPECT_GT(flipped, 5);
  EXPECT_LT(flipped, 31);
  EXPECT_GT(moved, 5);
}

TEST(BatchPipeline, StepsGoThroughThePlan) {
  const auto pipeline = make(one_stream(pictures(7), 3));
  std::vector<int> seen(7, 0);
  for (std::uint64_t step = 0; step < 7; ++step) {  // 21 positions: three epochs
    EXPECT_EQ(pipeline->step(), step);
    const Batch batch = pipeline->next();
    EXPECT_EQ(batch.step, step);
    EXPECT_EQ(batch.stream("source").first_position, step * 3);
    for (std::uint64_t i = 0; i < 3; ++i) {
      const SampleRef& ref = batch.stream("source").refs[i];
      EXPECT_EQ(ref.position, step * 3 + i);
      EXPECT_EQ(ref.epoch, ref.position / 7);
      EXPECT_EQ(batch.stream("source").names[i], "s" + std::to_string(ref.index));
      ++seen[ref.index];
    }
  }
  EXPECT_EQ(seen, std::vector<int>(7, 3));
}

TEST(BatchPipeline, AnyNumberOfRanksMakesTheSameGlobalBatch) {
  const auto alone = make(two_streams());
  std::vector<std::vector<std::unique_ptr<BatchPipeline>>> groups;
  for (const int size : {2, 3, 6}) {
    auto& group = groups.emplace_back();
    for (int rank = 0; rank < size; ++rank) group.push_back(make(two_streams(), rank, size));
  }
  for (int step = 0; step < 8; ++step) {
    const Batch expected = alone->next();
    for (const auto& group : groups) {
      std::vector<Batch> parts;
      for (const auto& pipeline : group) parts.push_back(pipeline->next());
      for (const std::string name : {"source", "target"}) {
        std::vector<at::Tensor> images, labels;
        std::vector<SampleRef> refs;
        for (const Batch& part : parts) {
          const StreamBatch& stream = part.stream(name);
          images.push_back(stream.images);
          if (stream.labels.defined()) labels.push_back(stream.labels);
          refs.insert(refs.end(), stream.refs.begin(), stream.refs.end());
        }
        EXPECT_TRUE(at::cat(images).equal(expected.stream(name).images)) << group.size();
        ASSERT_EQ(labels.size(), name == "source" ? parts.size() : 0);
        EXPECT_TRUE(labels.empty() || at::cat(labels).equal(expected.stream(name).labels));
        EXPECT_EQ(refs, expected.stream(name).refs);
      }
    }
  }
}

TEST(BatchPipeline, ThreadsChangeNothing) {
  const auto expected = make(two_streams(), 0, 1, {.threads = 1, .prefetch = 1});
  const auto few = make(two_streams(), 0, 1, {.threads = 2, .prefetch = 3});
  const auto many = make(two_streams(), 0, 1, {.threads = 7, .prefetch = 5});
  for (int step = 0; step < 12; ++step) {
    const Batch batch = expected->next();
    expect_equal(few->next(), batch);
    expect_equal(many->next(), batch);
  }
}

TEST(BatchPipeline, SeekEqualsContinuing) {
  const auto straight = make(two_streams());
  const auto resumed = make(two_streams());
  for (int step = 0; step < 9; ++step) static_cast<void>(straight->next());
  static_cast<void>(resumed->next());
  resumed->seek(9);
  EXPECT_EQ(resumed->step(), 9U);
  for (int step = 9; step < 13; ++step) expect_equal(resumed->next(), straight->next());
  resumed->seek(0);
  expect_equal(resumed->next(), make(two_streams())->next());
}

TEST(BatchPipeline, SeedAndStreamNameDecide) {
  const auto refs = [](std::vector<StreamSpec> streams, std::uint64_t seed) {
    const std::string name = streams[0].name;
    const auto pipeline = make(std::move(streams), 0, 1, {}, seed);
    std::vector<SampleRef> all;
    for (int step = 0; step < 5; ++step) {
      const Batch batch = pipeline->next();
      for (const SampleRef& ref : batch.stream(name).refs) all.push_back(ref);
    }
    return all;
  };
  const auto source = pictures(40);
  auto renamed = one_stream(source);
  renamed[0].name = "other";
  EXPECT_EQ(refs(one_stream(source), 1), refs(one_stream(source), 1));
  EXPECT_NE(refs(one_stream(source), 1), refs(one_stream(source), 2));
  EXPECT_NE(refs(one_stream(source), 1), refs(renamed, 1));
}

TEST(BatchPipeline, EpochsCropAnew) {
  const auto pipeline = make(one_stream(pictures(1), 1));
  const Batch first = pipeline->next();
  const Batch second = pipeline->next();
  EXPECT_FALSE(first.stream("source").images.equal(second.stream("source").images));
}

TEST(BatchPipeline, MemoryLayoutIsAChoice) {
  const auto last = make(one_stream(pictures(5)), 0, 1, {.channels_last = true});
  const auto planar = make(one_stream(pictures(5)), 0, 1, {.channels_last = false});
  const Batch interleaved_batch = last->next();
  const Batch planar_batch = planar->next();
  const at::Tensor& a = interleaved_batch.stream("source").images;
  const at::Tensor& b = planar_batch.stream("source").images;
  EXPECT_TRUE(a.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(b.is_contiguous());
  EXPECT_TRUE(a.equal(b));
  EXPECT_EQ(a.scalar_type(), at::kFloat);
  EXPECT_FALSE(a.requires_grad());
}

TEST(BatchPipeline, UnlabelledStreamsDoNotReadLabels) {
  const auto source = pictures(5);
  auto streams = one_stream(source);
  streams[0].labels = false;
  const auto pipeline = make(std::move(streams));
  const Batch batch = pipeline->next();
  EXPECT_FALSE(batch.stream("source").labels.defined());
  EXPECT_GT(source->images_read.load(), 0);
  EXPECT_EQ(source->labels_read.load(), 0);
}

TEST(BatchPipeline, ConfidenceIsThatOfTheLabelsPixels) {
  auto infos = equal_samples(4, 20, 30);
  for (SampleInfo& info : infos) info.has_confidence = true;
  auto streams = one_stream(std::make_shared<MemorySource>(infos));
  streams[0].confidence = true;
  streams[0].augment = {.crop_height = 24, .crop_width = 16, .flip = 0.5};
  const auto pipeline = make(std::move(streams));
  const Batch batch = pipeline->next();
  const StreamBatch& source = batch.stream("source");
  ASSERT_EQ(source.confidence.sizes(), source.labels.sizes());
  for (std::int64_t n = 0; n < source.labels.size(0); ++n) {
    const Geometry& crop = source.geometries[static_cast<std::size_t>(n)];
    const auto index = static_cast<int>(source.refs[static_cast<std::size_t>(n)].index);
    for (int y = 0; y < 24; ++y)
      for (int x = 0; x < 16; ++x) {
        const int column = crop.left + (crop.flip ? 15 - x : x);
        const int expected = y < 20 ? (7 * (y + crop.top) + 3 * column + index) % 256 : 0;
        ASSERT_EQ(source.confidence[n][y][x].item<int>(), expected) << n << " " << y << " " << x;
      }
  }
}

TEST(BatchPipeline, AMissingConfidenceIsNamed) {
  auto infos = equal_samples(3, 20, 30);
  for (const std::size_t i : {0U, 2U}) infos[i].has_confidence = true;
  auto streams = one_stream(std::make_shared<MemorySource>(infos), 3);
  streams[0].confidence = true;
  const auto pipeline = make(std::move(streams));
  const std::string message = message_of<DataError>([&] { (void)pipeline->next(); });
  expect_contains(message, "'s1'");
  expect_contains(message, "no confidence");
  auto unlabelled = one_stream(pictures(3), 3);
  unlabelled[0].confidence = true;
  unlabelled[0].labels = false;
  EXPECT_THROW((void)make(std::move(unlabelled)), ConfigError);
}

TEST(BatchPipeline, AMissingLabelIsNamed) {
  auto infos = equal_samples(3, 20, 30);
  infos[1].has_label = false;
  const auto pipeline = make(one_stream(std::make_shared<MemorySource>(infos), 3));
  try {
    static_cast<void>(pipeline->next());
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("'s1'"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("no label"), std::string::npos) << error.what();
  }
}

TEST(BatchPipeline, DamageStopsWithTheSamplesName) {
  const auto source = pictures(6);
  source->damaged = {4};
  const auto pipeline = make(one_stream(source, 2), 0, 1, {.threads = 3});
  std::string message;
  std::uint64_t step = 0;
  try {
    for (; step < 3; ++step) static_cast<void>(pipeline->next());  // one epoch: 4 must come
    FAIL() << "no error";
  } catch (const DataError& error) {
    message = error.what();
  }
  for (const std::string& part :
       {std::string("stream 'source'"), "step " + std::to_string(step), std::string("'s4'"),
        std::string("memory"), std::string("checksum of tile 3 is wrong")})
    EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
  EXPECT_EQ(pipeline->step(), step);
  EXPECT_THROW(static_cast<void>(pipeline->next()), DataError);  // it does not heal by itself
}

TEST(BatchPipeline, SkippedDamageIsReplacedByTheNextOfThePlan) {
  const auto source = pictures(6);
  const auto whole = make(one_stream(pictures(6), 2));
  source->damaged = {2, 4};
  std::vector<std::unique_ptr<BatchPipeline>> ranks;
  for (int rank = 0; rank < 2; ++rank)
    ranks.push_back(make(one_stream(source, 2), rank, 2, {.on_damage = OnDamage::skip}));
  std::vector<std::uint64_t> order;
  for (int step = 0; step < 5; ++step) {
    const Batch batch = whole->next();
    for (const SampleRef& ref : batch.stream("source").refs) order.push_back(ref.index);
  }
  const auto is_damaged = [&](std::uint64_t position) {
    return source->damaged.contains(order[position]);
  };
  std::uint64_t expected_skips[] = {0, 0};
  for (std::uint64_t step = 0; step < 3; ++step)
    for (std::uint64_t rank = 0; rank < 2; ++rank) {
      std::uint64_t position = step * 2 + rank;
      std::size_t damaged = 0;
      for (; is_damaged(position); ++position) ++damaged;
      const Batch batch = ranks[rank]->next();
      const StreamBatch& stream = batch.stream("source");
      EXPECT_EQ(stream.refs[0].position, position);
      EXPECT_EQ(stream.refs[0].index, order[position]);
      EXPECT_EQ(stream.damage.size(), damaged);
      for (const std::string& message : stream.damage)
        EXPECT_NE(message.find("checksum"), std::string::npos);
      expected_skips[rank] += damaged;
      EXPECT_EQ(ranks[rank]->skipped(), expected_skips[rank]);
    }
  EXPECT_GE(expected_skips[0] + expected_skips[1], 2U);
}

TEST(BatchPipeline, SkippingEndsWhereEverythingIsDamaged) {
  const auto source = pictures(3);
  source->damaged = {0, 1, 2};
  const auto pipeline = make(one_stream(source, 1), 0, 1, {.on_damage = OnDamage::skip});
  EXPECT_THROW(static_cast<void>(pipeline->next()), DataError);
}

TEST(BatchPipeline, OtherErrorsKeepTheirTypeAndNameTheSample) {
  const auto source = pictures(1);
  source->before_read = [](std::uint64_t) { fail<StorageError>("disk gone"); };
  const auto pipeline = make(one_stream(source, 1), 0, 1, {.on_damage = OnDamage::skip});
  try {
    static_cast<void>(pipeline->next());
    FAIL() << "no error";
  } catch (const StorageError& error) {
    EXPECT_NE(std::string(error.what()).find("'s0'"), std::string::npos) << error.what();
  }
}

TEST(BatchPipeline, SaysWhichBatchWouldDo) {
  try {
    static_cast<void>(make(one_stream(pictures(9), 4), 0, 3));
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "stream 'source': a global batch of 4 cannot be divided among 3 ranks; with 3 "
                 "ranks use a global batch of 3 or 6, with this one 1, 2, 4 ranks");
  }
  EXPECT_THROW(static_cast<void>(make(one_stream(pictures(9), 2), 0, 4)), ConfigError);
  EXPECT_THROW(static_cast<void>(make(one_stream(pictures(9), 0))), ConfigError);
}

TEST(BatchPipeline, RefusesOptionsWithoutSense) {
  auto twice = one_stream(pictures(2));
  twice.push_back(twice.front());
  EXPECT_THROW(static_cast<void>(make(std::move(twice))), ConfigError);
  EXPECT_THROW(static_cast<void>(make({})), ConfigError);
  EXPECT_THROW(static_cast<void>(make(one_stream(pictures(2)), 0, 1, {.threads = 0})), ConfigError);
  EXPECT_THROW(static_cast<void>(make(one_stream(pictures(2)), 0, 1, {.prefetch = 0})),
               ConfigError);
  auto scale = kAugment;
  scale.scale_max = 0.1;
  EXPECT_THROW(static_cast<void>(make(one_stream(pictures(2), 2, scale))), ConfigError);
}

TEST(BatchPipeline, AnUnknownStreamIsNamed) {
  const Batch batch = make(two_streams())->next();
  try {
    static_cast<void>(batch.stream("night"));
    FAIL() << "no error";
  } catch (const InternalError& error) {
    EXPECT_NE(std::string(error.what()).find("source, target"), std::string::npos);
  }
}

TEST(BatchPipeline, EndsWhileThreadsAreBusy) {
  for (int round = 0; round < 20; ++round) {
    const auto source = pictures(5);
    std::latch reading(1);
    std::atomic<bool> first = true;
    source->before_read = [&](std::uint64_t) {
      if (first.exchange(false)) reading.count_down();
    };
    const auto pipeline = make(one_stream(source), 0, 1, {.threads = 4, .prefetch = 2});
    reading.wait();
  }
}

/// A data set of a size that nobody can go through; all samples are alike.
class EndlessSource final : public SampleSource {
 public:
  EndlessSource() : info_(equal_samples(1, 20, 30)[0]) {}
  std::uint64_t size() const override { return std::uint64_t{1} << 50; }
  const SampleInfo& info(std::uint64_t) const override {
    asked.fetch_add(1);
    return info_;
  }
  const std::string& label_space() const override { return info_.name; }
  void read(Field, std::uint64_t, Rect, std::span<std::uint8_t> out) const override {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
  }
  mutable std::atomic<int> asked = 0;

 private:
  SampleInfo info_;
};

TEST(BatchPipeline, StartDoesNotDependOnTheSizeOfTheSet) {
  const auto source = std::make_shared<EndlessSource>();
  const auto pipeline = make({{.name = "source",
                               .dataset = Dataset("endless", source),
                               .augment = kAugment,
                               .global_batch = 4}},
                             0, 1, {.threads = 1, .prefetch = 1});
  const Batch batch = pipeline->next();
  EXPECT_LE(source->asked.load(), 100);
  EXPECT_EQ(batch.stream("source").refs[3].position, 3U);
}

}  // namespace
}  // namespace dusk
