// What comes out of streams with further pictures, colours, and choices by class.
#include <ATen/ops/cat.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dusk/data/batch_pipeline.hpp"
#include "dusk/device/device.hpp"
#include "unit/data/memory_source.hpp"

namespace dusk {
namespace {

constexpr AugmentOptions kCropAndFlip{.crop_height = 8, .crop_width = 10};

/// Twelve pictures in a video, each of the first eight paired with one of the last four.
std::shared_ptr<test::MemorySource> places(int height = 20, int width = 30) {
  auto infos = test::equal_samples(12, height, width);
  for (std::size_t i = 0; i < 12; ++i) {
    infos[i].time_of_day = i < 8 ? "night" : "day";
    if (i < 8) infos[i].pair = "s" + std::to_string(8 + i % 4);
    if (i > 0) infos[i].previous = "s" + std::to_string(i - 1);
    if (i < 11) infos[i].next = "s" + std::to_string(i + 1);
  }
  auto source = std::make_shared<test::MemorySource>(std::move(infos));
  for (std::uint32_t i = 0; i < 12; ++i) source->counts.push_back({300 - i, 20 * i, 3});
  source->shards = {5, 1, 4, 2};
  return source;
}

StreamSpec stream_of(std::string name, const Dataset& dataset, const ViewOptions& views,
                     const AugmentOptions& augment = kCropAndFlip, int batch = 6) {
  ViewedDataset viewed = with_views(dataset, views);
  return {.name = std::move(name),
          .dataset = viewed.dataset,
          .augment = augment,
          .global_batch = batch,
          .views = viewed.views};
}

std::unique_ptr<BatchPipeline> make(std::vector<StreamSpec> streams, int rank = 0, int size = 1,
                                    const PipelineOptions& options = {}) {
  return std::make_unique<BatchPipeline>(std::move(streams), 42, rank, size, Device::cpu(),
                                         options);
}

/// The grey levels behind normalised pictures (N, 3, H, W).
at::Tensor grey_levels(const at::Tensor& images) {
  const auto mean = at::tensor({0.485, 0.456, 0.406}).reshape({1, 3, 1, 1});
  const auto deviation = at::tensor({0.229, 0.224, 0.225}).reshape({1, 3, 1, 1});
  return (images * deviation + mean) * 255;
}

TEST(Stream, PairsShareTheCropAndTheFlip) {
  const Dataset night("memory", places(), {.times_of_day = {"night"}});
  const auto pipeline = make({stream_of("target", night, {.pair = true})});
  for (int step = 0; step < 4; ++step) {
    const Batch batch = pipeline->next();
    const StreamBatch& target = batch.stream("target");
    const at::Tensor own = grey_levels(target.images).round();
    const at::Tensor other = grey_levels(target.picture("reference")).round();
    // Red and green say where a pixel was, blue says in which sample.
    EXPECT_TRUE(own.slice(1, 0, 2).equal(other.slice(1, 0, 2)));
    for (std::int64_t i = 0; i < 6; ++i) {
      const std::uint64_t sample = target.refs[static_cast<std::size_t>(i)].index;
      EXPECT_TRUE((own[i][2] == static_cast<double>(sample)).all().item<bool>());
      EXPECT_TRUE((other[i][2] == static_cast<double>(8 + sample % 4)).all().item<bool>());
    }
  }
}

TEST(Stream, AReferenceOfAnotherPlaceHasACropOfItsOwn) {
  const Dataset night("memory", places(), {.times_of_day = {"night"}});
  const auto pipeline =
      make({stream_of("target", night, {.pair = true, .pair_geometry = ViewGeometry::own})});
  const Batch batch = pipeline->next();
  const StreamBatch& target = batch.stream("target");
  int different = 0;
  for (std::int64_t i = 0; i < 6; ++i)
    different +=
        target.images[i].slice(0, 0, 2).equal(target.picture("reference")[i].slice(0, 0, 2)) ? 0
                                                                                             : 1;
  EXPECT_GE(different, 5);
}

TEST(Stream, PicturesOfUnequalSizeCannotShareACrop) {
  auto infos = test::equal_samples(2, 20, 30);
  infos[0].pair = "s1";
  infos[1].height = 24;
  const Dataset both("memory", std::make_shared<test::MemorySource>(infos));
  const auto views = [](ViewGeometry geometry) {
    return ViewOptions{.pair = true, .pair_geometry = geometry};
  };
  const auto pipeline = make({stream_of("target", both, views(ViewGeometry::same))});
  try {
    static_cast<void>(pipeline->next());
    FAIL() << "no error";
  } catch (const DataError& error) {
    const std::string message = error.what();
    for (const char* part : {"'s0'", "'s1'", "20x30", "24x30", "pair_geometry: own"})
      EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
  }
  EXPECT_NO_THROW(
      static_cast<void>(make({stream_of("target", both, views(ViewGeometry::own))})->next()));
}

TEST(Stream, GeometriesSayWherePixelsWere) {
  const auto pipeline = make({stream_of("source", Dataset("memory", places()), {})});
  const Batch batch = pipeline->next();
  const StreamBatch& source = batch.stream("source");
  const at::Tensor levels = grey_levels(source.images).round();
  for (std::int64_t i = 0; i < 6; ++i) {
    const Geometry& g = source.geometries[static_cast<std::size_t>(i)];
    EXPECT_EQ(levels[i][0][0][0].item<double>(), g.top);
    EXPECT_EQ(levels[i][1][0][g.flip ? 9 : 0].item<double>(), g.left);
  }
}

TEST(Stream, AllPicturesOfASampleHaveOneColourAndPlainOnesNone) {
  AugmentOptions augment = kCropAndFlip;
  augment.keep_plain = true;
  augment.jitter = {.probability = 0.7,
                    .kind = JitterKind::kornia,
                    .brightness = 0.2,
                    .contrast = 0,
                    .saturation = 0,
                    .hue = 0};
  const Dataset all("memory", places());
  const auto changed = make({stream_of("video", all, {.frames = {-1, 1}}, augment)});
  const auto plain = make({stream_of("video", all, {.frames = {-1, 1}})});
  int brighter = 0, same = 0;
  for (int step = 0; step < 5; ++step) {
    const Batch a = changed->next(), b = plain->next();
    const StreamBatch& video = a.stream("video");
    const StreamBatch& expected = b.stream("video");
    EXPECT_TRUE(video.picture("plain").equal(expected.images));
    EXPECT_TRUE(video.picture("frame-1.plain").equal(expected.picture("frame-1")));
    EXPECT_TRUE(video.picture("frame+1.plain").equal(expected.picture("frame+1")));
    for (std::int64_t i = 0; i < 6; ++i) {
      const auto change = [i](const at::Tensor& picture, const at::Tensor& before) {
        return (grey_levels(picture) - grey_levels(before))[i];
      };
      const at::Tensor own = change(video.images, expected.images);
      const double shift = own.max().item<double>();
      same += shift < 0.01 ? 1 : 0;
      if (shift < 1) continue;  // darkened: cut at 0
      ++brighter;
      for (const char* name : {"frame-1", "frame+1"})
        EXPECT_TRUE(at::allclose(change(video.picture(name), expected.picture(name)),
                                 at::full_like(own, shift), 0, 0.01));
    }
  }
  EXPECT_GT(brighter, 3);
  EXPECT_GT(same, 3);
}

TEST(Stream, BlurIsTakenBeforePadding) {
  // White pictures smaller than the crop: a blur across the padding would darken their border.
  AugmentOptions augment{.crop_height = 64, .crop_width = 64, .flip = 0};
  augment.blur = {.probability = 1, .sigma_min = 1, .sigma_max = 1.1};
  auto source = places(40, 40);
  const auto pipeline = make({stream_of("source", Dataset("memory", source), {}, augment)});
  const Batch batch = pipeline->next();
  const at::Tensor levels = grey_levels(batch.stream("source").images);
  for (std::int64_t i = 0; i < 6; ++i) {
    const auto sample =
        static_cast<double>(batch.stream("source").refs[static_cast<std::size_t>(i)].index);
    const at::Tensor covered = levels[i][2].slice(0, 0, 40).slice(1, 0, 40);
    EXPECT_TRUE(at::allclose(covered, at::full_like(covered, sample), 0, 0.01));
    EXPECT_TRUE((batch.stream("source").images[i].slice(1, 40) == 0).all().item<bool>());
  }
}

/// A labelled stream by class, pairs, and a video with colours.
std::vector<StreamSpec> three_kinds() {
  const auto source = places();
  auto by_class = stream_of("source", Dataset("memory", source), {}, kCropAndFlip, 6);
  by_class.augment.cat_max_ratio = 0.2;
  by_class.sampling = {
      .kind = Sampling::rare_class, .temperature = 0.3, .min_pixels = 10, .min_crop_ratio = 0.8};
  auto pairs =
      stream_of("target", Dataset("memory", source, {.times_of_day = {"night"}}),
                {.pair = true, .pair_geometry = ViewGeometry::own},
                {.crop_height = 6, .crop_width = 9, .scale_min = 0.7, .scale_max = 1.4}, 12);
  pairs.labels = false;
  pairs.sampling = {.shuffle = Shuffle::window, .window = 2};
  AugmentOptions colours = kCropAndFlip;
  colours.jitter.probability = 0.5;
  colours.blur.probability = 0.5;
  colours.keep_plain = true;
  auto video = stream_of("video", Dataset("memory", source), {.frames = {-1, 1}}, colours, 6);
  video.labels = false;
  return {by_class, pairs, video};
}

/// All that a batch holds, the ranks' parts put together.
std::map<std::string, at::Tensor> gather(const std::vector<Batch>& parts) {
  std::map<std::string, std::vector<at::Tensor>> lists;
  for (const Batch& part : parts)
    for (const auto& [name, stream] : part.streams) {
      lists[name].push_back(stream.images);
      if (stream.labels.defined()) lists[name + "/labels"].push_back(stream.labels);
      for (const auto& [which, picture] : stream.pictures)
        lists[name + "/" + which].push_back(picture);
    }
  std::map<std::string, at::Tensor> whole;
  for (const auto& [name, list] : lists) whole[name] = at::cat(list);
  return whole;
}

void expect_equal(const std::map<std::string, at::Tensor>& a,
                  const std::map<std::string, at::Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) EXPECT_TRUE(tensor.equal(b.at(name))) << name;
}

TEST(Stream, UnlikeKindsAreEqualOnAnyNumberOfRanksAndAfterARestart) {
  const auto alone = make(three_kinds());
  std::vector<std::map<std::string, at::Tensor>> expected;
  for (int step = 0; step < 7; ++step) {
    std::vector<Batch> parts;
    parts.push_back(alone->next());
    expected.push_back(gather(parts));
  }
  EXPECT_EQ(expected[0].size(), 10U);  // images and labels; images and reference; three and plain
  for (const int size : {2, 3}) {
    std::vector<std::unique_ptr<BatchPipeline>> ranks;
    for (int rank = 0; rank < size; ++rank)
      ranks.push_back(make(three_kinds(), rank, size, {.threads = 3}));
    for (const std::size_t step : {0U, 1U, 5U, 6U}) {  // 5: a restart
      std::vector<Batch> parts;
      for (const auto& pipeline : ranks) {
        if (pipeline->step() != step) pipeline->seek(step);
        parts.push_back(pipeline->next());
      }
      expect_equal(gather(parts), expected[step]);
    }
  }
}

TEST(Stream, CropsOfOneClassAreDrawnAgain) {
  auto source = places(40, 40);
  source->label_at = [](int, int x, int) -> std::uint8_t { return x < 30 ? 1 : 2; };
  auto spec = stream_of("source", Dataset("memory", source), {});
  spec.augment.cat_max_ratio = 0.75;
  spec.augment.redraws = 100;
  const auto pipeline = make({spec});
  for (int step = 0; step < 10; ++step) {
    const Batch batch = pipeline->next();
    const at::Tensor& labels = batch.stream("source").labels;
    for (std::int64_t i = 0; i < 6; ++i) {
      const double share = (labels[i] == 1).to(at::kDouble).mean().item<double>();
      EXPECT_LT(share, 0.75);
      EXPECT_GT(share, 0.25);
    }
  }
}

TEST(Stream, TheLastCropStaysHoweverItIs) {
  auto source = places();
  source->label_at = [](int, int, int) -> std::uint8_t { return 1; };
  auto spec = stream_of("source", Dataset("memory", source), {}, kCropAndFlip, 1);
  spec.augment.cat_max_ratio = 0.75;
  spec.augment.redraws = 10;
  auto pipeline = make({spec}, 0, 1, {.threads = 1, .prefetch = 1});
  static_cast<void>(pipeline->next());
  pipeline.reset();                           // whoever reads ahead is done
  EXPECT_GE(source->labels_read.load(), 11);  // the first and ten more
  EXPECT_EQ(source->labels_read.load() % 11, 0) << source->labels_read.load();
}

TEST(Stream, CropsShowTheClassThatTheyWereDrawnFor) {
  // Class 2 lies in a corner of one picture only.
  auto source = places(60, 60);
  source->label_at = [](int y, int x, int index) -> std::uint8_t {
    return index == 3 && y < 12 && x < 12 ? 2 : 1;
  };
  source->counts.assign(12, {0, 3600, 0});
  source->counts[3] = {0, 3600 - 144, 144};
  auto spec = stream_of("source", Dataset("memory", source), {});
  spec.sampling = {.kind = Sampling::class_uniform, .min_pixels = 100, .min_crop_ratio = 0.3};
  spec.augment.redraws = 400;
  const auto pipeline = make({spec});
  int wanted = 0;
  std::set<std::pair<int, int>> crops;
  for (int step = 0; step < 6; ++step) {
    const Batch batch = pipeline->next();
    const StreamBatch& stream = batch.stream("source");
    for (std::size_t i = 0; i < 6; ++i) {
      if (stream.refs[i].wanted_class != 2) continue;
      ++wanted;
      EXPECT_EQ(stream.refs[i].index, 3U);
      EXPECT_GT((stream.labels[static_cast<std::int64_t>(i)] == 2).sum().item<std::int64_t>(), 30);
      crops.insert({stream.geometries[i].top, stream.geometries[i].left});
    }
  }
  EXPECT_NEAR(wanted, 18, 9);
  EXPECT_GT(crops.size(), 4U);  // the same picture within an epoch, cut in other places
}

TEST(Stream, RefusesWhatDoesNotGoTogether) {
  const auto refused = [](StreamSpec spec) {
    EXPECT_THROW(static_cast<void>(make({std::move(spec)})), ConfigError);
  };
  auto unlabelled = stream_of("source", Dataset("memory", places()), {});
  unlabelled.labels = false;
  auto by_class = unlabelled;
  by_class.sampling.kind = Sampling::class_uniform;
  refused(by_class);
  auto varied = unlabelled;
  varied.augment.cat_max_ratio = 0.75;
  refused(varied);
  auto both = stream_of("source", Dataset("memory", places()), {});
  both.sampling = {.kind = Sampling::rare_class, .shuffle = Shuffle::window};
  refused(both);
}

TEST(Stream, AnUnknownPictureIsNamed) {
  const Batch batch =
      make({stream_of("video", Dataset("memory", places()), {.frames = {1}})})->next();
  try {
    static_cast<void>(batch.stream("video").picture("reference"));
    FAIL() << "no error";
  } catch (const InternalError& error) {
    EXPECT_NE(std::string(error.what()).find("frame+1"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace dusk
