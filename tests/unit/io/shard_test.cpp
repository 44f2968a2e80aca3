#include "dusk/io/shard.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "full_disk.hpp"
#include "sample_pictures.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

using test::cut;
using test::expect_contains;
using test::four_classes;
using test::make_picture;
using test::message_of;
using test::Picture;
using test::read_all;
using test::read_window;
using test::TempFolder;
using test::with_all_fields;

constexpr int kTile = 16;

ShardSummary write(const std::filesystem::path& path, const std::vector<Picture>& pictures) {
  ShardWriter writer(path, {.tile = kTile, .level = 3, .provenance = "made by a test"},
                     four_classes());
  for (const Picture& picture : pictures) writer.add(picture.data());
  return writer.finish();
}

std::vector<Picture> mixed_sizes() {
  return {make_picture("a", 37, 53),        make_picture("b", 20, 20, false),
          make_picture("c", 37, 53, false), make_picture("d", 53, 37),
          make_picture("e", 1, 1),          make_picture("f", 37, 53)};
}

TEST(Shard, RoundTripsSamplesOfUnequalSize) {
  const TempFolder folder;
  const std::vector<Picture> pictures = mixed_sizes();
  write(folder / "s.h5", pictures);
  const ShardReader reader(folder / "s.h5");
  ASSERT_EQ(reader.size(), pictures.size());
  EXPECT_EQ(reader.labels().space, "toy4");
  EXPECT_EQ(reader.labels().classes, four_classes().classes);
  EXPECT_EQ(reader.provenance(), "made by a test");
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    EXPECT_TRUE(test::is_same(reader, i, pictures[i])) << pictures[i].info.name;
  }
  reader.verify();
}

TEST(Shard, SamplesOfOneSizeMayHaveDifferentFields) {
  const TempFolder folder;
  std::vector<Picture> pictures = mixed_sizes();
  pictures[2] = with_all_fields(pictures[2]);  // no label, but the rest
  pictures[4] = with_all_fields(pictures[4]);
  pictures[5] = with_all_fields(pictures[5]);
  pictures[5].info.has_confidence = false;
  pictures[5].confidence.clear();
  write(folder / "s.h5", pictures);
  const ShardReader reader(folder / "s.h5");
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    EXPECT_TRUE(test::is_same(reader, i, pictures[i])) << pictures[i].info.name;
  }
  reader.verify();
  const Rect window{10, 13, 20, 30};
  EXPECT_EQ(read_window<std::uint16_t>(reader, Field::depth, 5, window),
            cut(pictures[5].depth, 53, 1, window));
  expect_contains(
      message_of<DataError>([&] { (void)read_all<std::uint16_t>(reader, Field::depth, 0); }),
      "sample 'a', depth: this sample has none");
  expect_contains(message_of<InternalError>([&] { (void)read_all(reader, Field::depth, 5); }),
                  "'f', depth: room for 1961 values of 1 byte(s), the window has 1961 of 2");
  EXPECT_THROW((void)read_all<std::uint16_t>(reader, Field::label, 5), InternalError);
}

TEST(Shard, EachSampleKnowsItsClasses) {
  const TempFolder folder;
  const std::vector<Picture> pictures = mixed_sizes();
  write(folder / "s.h5", pictures);
  const ShardReader reader(folder / "s.h5");
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    std::vector<std::uint32_t> counts(4);
    for (const std::uint8_t value : pictures[i].label) {
      if (value < 4) ++counts[value];
    }
    const std::span<const std::uint32_t> found = reader.class_pixels(i);
    EXPECT_EQ(std::vector<std::uint32_t>(found.begin(), found.end()), counts) << i;
  }
  EXPECT_THROW((void)reader.class_pixels(pictures.size()), InternalError);
}

TEST(Shard, WindowsAtEveryTileBoundaryEqualThePlainArray) {
  const TempFolder folder;
  const Picture picture =
      make_picture("w", 37, 53);  // tiles of 19x18: 2x3, the last ones stick out
  write(folder / "s.h5", {make_picture("first", 37, 53), picture});
  const ShardReader reader(folder / "s.h5");
  const std::vector<int> ys{0, 1, 18, 19, 20, 36, 37};
  const std::vector<int> xs{0, 1, 17, 18, 19, 35, 36, 37, 52, 53};
  int windows = 0;
  for (const int top : ys) {
    for (const int bottom : ys) {
      for (const int left : xs) {
        for (const int right : xs) {
          if (top >= bottom || left >= right) continue;
          const Rect window{top, left, bottom - top, right - left};
          ASSERT_EQ(read_window(reader, Field::image, 1, window), cut(picture.image, 53, 3, window))
              << top << " " << left << " " << bottom << " " << right;
          ASSERT_EQ(read_window(reader, Field::label, 1, window), cut(picture.label, 53, 1, window))
              << top << " " << left << " " << bottom << " " << right;
          ++windows;
        }
      }
    }
  }
  EXPECT_EQ(windows, 21 * 45);
}

TEST(Shard, EightThreadsReadWhatOneReads) {
  const TempFolder folder;
  const std::vector<Picture> pictures = mixed_sizes();
  write(folder / "s.h5", pictures);
  const ShardReader reader(folder / "s.h5");
  std::vector<int> wrong(8, -1);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      Random random(7, {t});
      int differences = 0;
      for (int round = 0; round < 150; ++round) {
        const auto i = static_cast<std::size_t>(
            random.integer(0, static_cast<std::int64_t>(pictures.size()) - 1));
        const SampleInfo& info = pictures[i].info;
        const int y = static_cast<int>(random.integer(0, info.height - 1));
        const int x = static_cast<int>(random.integer(0, info.width - 1));
        const Rect window{y, x, static_cast<int>(random.integer(1, info.height - y)),
                          static_cast<int>(random.integer(1, info.width - x))};
        const Field field = info.has_label && random.chance(0.5) ? Field::label : Field::image;
        const auto& plain = field == Field::label ? pictures[i].label : pictures[i].image;
        if (read_window(reader, field, i, window) !=
            cut(plain, info.width, channels_of(field), window)) {
          ++differences;
        }
      }
      wrong[t] = differences;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(8, 0));
}

TEST(Shard, EqualSamplesGiveEqualBytes) {
  const TempFolder folder;
  const ShardSummary first = write(folder / "a.h5", mixed_sizes());
  const ShardSummary second = write(folder / "b.h5", mixed_sizes());
  EXPECT_EQ(read_bytes(folder / "a.h5"), read_bytes(folder / "b.h5"));
  EXPECT_EQ(first.checksum, second.checksum);
  std::vector<Picture> other = mixed_sizes();
  other[3].image[100] ^= 1U;
  EXPECT_NE(write(folder / "c.h5", other).checksum, first.checksum);
}

TEST(Shard, TheSummaryCountsWhatWasWritten) {
  const TempFolder folder;
  const ShardSummary summary = write(folder / "s.h5", mixed_sizes());
  std::vector<std::uint64_t> counts(256);
  for (const Picture& picture : mixed_sizes()) {
    for (const std::uint8_t value : picture.label) ++counts[value];
  }
  EXPECT_EQ(summary.class_pixels, std::vector<std::uint64_t>(counts.begin(), counts.begin() + 4));
  EXPECT_EQ(summary.ignored_pixels, counts[255]);
  EXPECT_GT(summary.ignored_pixels, 0U);
  EXPECT_EQ(summary.samples, 6U);
  EXPECT_EQ(summary.labelled, 4U);
  EXPECT_EQ(summary.file, "s.h5");
  const std::vector<std::byte> bytes = read_bytes(folder / "s.h5");
  EXPECT_EQ(summary.size.value, bytes.size());
  EXPECT_EQ(summary.checksum, checksum64(bytes));
  const ShardSummary again = ShardReader(folder / "s.h5").summary();
  EXPECT_EQ(again.checksum, summary.checksum);
  EXPECT_EQ(again.class_pixels, summary.class_pixels);
}

TEST(Shard, TheWriterNamesTheSampleThatItRefuses) {
  const TempFolder folder;
  ShardWriter writer(folder / "s.h5", {.tile = kTile}, four_classes());
  writer.add(make_picture("good", 8, 8).data());
  const auto refuse = [&](const Picture& picture) {
    return message_of<DataError>([&] { writer.add(picture.data()); });
  };
  Picture picture = make_picture("bad", 8, 9);
  picture.label[5] = 4;
  expect_contains(refuse(picture), "sample 'bad': label value 4 in 1 pixels");
  picture = make_picture("bad", 8, 9);
  picture.label.pop_back();
  expect_contains(refuse(picture), "sample 'bad': label of 71 values");
  picture = make_picture("bad", 8, 9);
  picture.image.pop_back();
  expect_contains(refuse(picture), "sample 'bad': image of 215 values");
  picture = make_picture("bad", 8, 9, false);
  picture.label.assign(72, 0);
  expect_contains(refuse(picture), "sample 'bad': label of 72 values, expected 0");
  picture = make_picture("bad", 8, 9);
  picture.info.height = 0;
  expect_contains(refuse(picture), "sample 'bad': size 0x9");
  picture = with_all_fields(make_picture("bad", 8, 9));
  picture.depth.pop_back();
  expect_contains(refuse(picture), "sample 'bad': depth of 71 values, expected 72");
  picture = with_all_fields(make_picture("bad", 8, 9));
  picture.info.has_confidence = false;
  expect_contains(refuse(picture), "sample 'bad': confidence of 72 values, expected 0");
  picture = with_all_fields(make_picture("bad", 8, 9));
  picture.info.camera.fy = 0;
  expect_contains(refuse(picture), "sample 'bad': camera with fx 500.25, fy 0");
  expect_contains(refuse(make_picture("good", 8, 9)), "two samples named 'good'");
  expect_contains(refuse(make_picture("", 8, 9)), "without a name");
  expect_contains(refuse(make_picture(std::string(513, 'n'), 8, 9)), "longer than 512");
  EXPECT_EQ(writer.finish().samples, 1U);
  EXPECT_THROW(writer.finish(), InternalError);
}

TEST(Shard, TheWriterRefusesOptionsOutOfRange) {
  const TempFolder folder;
  const auto refuse = [&](const ShardOptions& options, const ShardLabels& labels) {
    return message_of<ConfigError>([&] { ShardWriter(folder / "s.h5", options, labels); });
  };
  expect_contains(refuse({.tile = 15}, four_classes()), "tile is 15");
  expect_contains(refuse({.level = 23}, four_classes()), "level is 23");
  expect_contains(refuse({}, {.space = "none", .classes = {}}), "'none' has 0 classes");
  expect_contains(refuse({.provenance = std::string(20000, 'p')}, four_classes()), "provenance");
}

TEST(Shard, RequestsOutsideOfThePictureAreInternalErrors) {
  const TempFolder folder;
  write(folder / "s.h5", {make_picture("a", 20, 30), make_picture("b", 20, 30, false)});
  const ShardReader reader(folder / "s.h5");
  for (const Rect window :
       {Rect{0, 0, 21, 1}, Rect{0, 0, 1, 31}, Rect{-1, 0, 1, 1}, Rect{0, -1, 1, 1},
        Rect{20, 0, 1, 1}, Rect{0, 0, 0, 1}, Rect{0, 0, 1, 0}, Rect{1, 0, 2147483647, 1},
        Rect{0, 2147483647, 1, 2147483647}}) {
    std::vector<std::uint8_t> out(3);
    expect_contains(message_of<InternalError>([&] { reader.read(Field::image, 0, window, out); }),
                    "sample 'a', image: window");
  }
  std::vector<std::uint8_t> small(2);
  EXPECT_THROW(reader.read(Field::image, 0, {0, 0, 1, 1}, small), InternalError);
  EXPECT_THROW((void)reader.info(2), InternalError);
  EXPECT_THROW((void)read_window(reader, Field::image, 0, {0, 0, 1, 1}).at(3), std::out_of_range);
  expect_contains(message_of<DataError>([&] {
                    (void)read_window(reader, Field::label, 1, {0, 0, 1, 1});
                  }),
                  "sample 'b', label");
}

TEST(Shard, AFullDiskIsAStorageErrorAndLeavesNothing) {
  const TempFolder folder;
  {
    const test::FullDisk full(10'000);
    expect_contains(message_of<StorageError>([&] { write(folder / "s.h5", mixed_sizes()); }),
                    "no room");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Shard, NothingIsThereBeforeItIsFinished) {
  const TempFolder folder;
  {
    ShardWriter writer(folder / "s.h5", {}, four_classes());
    writer.add(make_picture("a", 20, 30).data());
    EXPECT_GT(writer.encoded_size().value, 100U);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace dusk
