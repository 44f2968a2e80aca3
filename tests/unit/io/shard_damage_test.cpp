#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/io/shard.hpp"
#include "io/shard_index.hpp"
#include "sample_pictures.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

/// HDF5 1.10 loses about 400 bytes each time it meets a damaged object. The leak sanitizer asks
/// here what to pass over; leaks of our own are still reported.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libhdf5";
}

namespace dusk {
namespace {

using test::expect_contains;
using test::four_classes;
using test::make_picture;
using test::message_of;
using test::Picture;
using test::read_all;
using test::TempFolder;
using test::with_all_fields;

/// A tiny shard whose bytes can be changed one by one.
class ShardDamage : public testing::Test {
 protected:
  ShardDamage() {
    pictures_ = {with_all_fields(make_picture("anna", 20, 24)), make_picture("bert", 17, 16, false),
                 make_picture("carl", 20, 24)};
    ShardWriter writer(path_, {.tile = 16, .level = 3}, four_classes());
    for (const Picture& picture : pictures_) writer.add(picture.data());
    writer.finish();
    good_ = read_text(path_);
    index_ = read_shard_index(PositionedFile(path_));
  }

  /// The shard with `mask` flipped in the byte at `offset`.
  void damage(std::size_t offset, char mask = 0x10) {
    std::string bytes = good_;
    bytes.at(offset) = static_cast<char>(bytes.at(offset) ^ mask);
    folder_.write("damaged.h5", bytes);
  }

  /// Where the index entry of tile 0 of a sample lies, and what it says.
  [[nodiscard]] std::size_t entry_address(std::size_t sample, Field field) const {
    const SamplePlace at = index_.places[sample];
    const SizeGroup& group = index_.groups[at.group];
    return group.index_address(field) + at.row * group.grid.tiles() * sizeof(TileEntry);
  }
  [[nodiscard]] TileEntry entry(std::size_t sample, Field field) const {
    TileEntry entry;
    std::memcpy(&entry, good_.data() + entry_address(sample, field), sizeof(entry));
    return entry;
  }

  /// True when the reader gives the very samples that were written.
  [[nodiscard]] bool is_intact(const ShardReader& reader) const {
    if (reader.size() != pictures_.size() || reader.labels().space != "toy4") return false;
    if (reader.labels().classes != four_classes().classes) return false;
    for (std::size_t i = 0; i < pictures_.size(); ++i) {
      if (!test::is_same(reader, i, pictures_[i])) return false;
    }
    return true;
  }

  TempFolder folder_;
  std::filesystem::path path_ = folder_ / "good.h5";
  std::filesystem::path damaged_ = folder_ / "damaged.h5";
  std::vector<Picture> pictures_;
  std::string good_;
  ShardIndex index_;
};

TEST_F(ShardDamage, AFlippedByteOfATileNamesShardSampleAndField) {
  for (const Field field : {Field::image, Field::label}) {
    const TileEntry tile = entry(2, field);
    for (const std::uint64_t at :
         {tile.offset, tile.offset + tile.size / 2, tile.offset + tile.size - 1}) {
      damage(at);
      const ShardReader reader(damaged_);
      const std::string message = message_of<DataError>([&] { (void)read_all(reader, field, 2); });
      expect_contains(message, "damaged.h5: sample 'carl', " + std::string(name_of(field)) +
                                   ": tile (0, 0) is damaged");
      EXPECT_EQ(read_all(reader, field, 0),
                field == Field::image ? pictures_[0].image : pictures_[0].label);
      expect_contains(message_of<DataError>([&] { reader.verify(); }), "sample 'carl'");
    }
  }
}

TEST_F(ShardDamage, AFlippedByteOfATilesPlaceIsFound) {
  const std::size_t address = entry_address(0, Field::image);
  for (std::size_t byte = 0; byte < sizeof(TileEntry); ++byte) {
    damage(address + byte);
    const ShardReader reader(damaged_);
    expect_contains(message_of<DataError>([&] { (void)read_all(reader, Field::image, 0); }),
                    "sample 'anna', image");
    EXPECT_EQ(read_all(reader, Field::image, 2), pictures_[2].image);
  }
}

TEST_F(ShardDamage, ExchangedPlacesAreFoundByComparingWithHdf5) {
  // Both entries are right, for each other's tile: no checksum of a tile tells.
  const std::size_t address = entry_address(0, Field::image);
  std::string bytes = good_;
  std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(address),
                   bytes.begin() + static_cast<std::ptrdiff_t>(address + sizeof(TileEntry)),
                   bytes.begin() + static_cast<std::ptrdiff_t>(address + sizeof(TileEntry)));
  ASSERT_NE(bytes, good_);
  folder_.write("damaged.h5", bytes);
  const ShardReader reader(damaged_);
  EXPECT_NO_THROW((void)read_all(reader, Field::image, 0));
  expect_contains(message_of<DataError>([&] { reader.verify(); }),
                  "damaged.h5: sample 'anna', image: HDF5 has another tile (0, 0) than the index");
}

TEST_F(ShardDamage, AWindowThatDoesNotTouchTheDamageIsRead) {
  const TileEntry tile = entry(0, Field::image);  // 20x24: tiles of 20x12
  damage(tile.offset + 3);
  const ShardReader reader(damaged_);
  const Rect right{0, 12, 20, 12};
  EXPECT_EQ(test::read_window(reader, Field::image, 0, right),
            test::cut(pictures_[0].image, 24, 3, right));
  EXPECT_THROW((void)test::read_window(reader, Field::image, 0, {0, 11, 20, 12}), DataError);
}

TEST_F(ShardDamage, FlippedNamesAndAttributesAreFoundWhenTheShardIsOpened) {
  for (const char* text : {"anna", "partner of bert", "toy4", "sky", "train", "night"}) {
    const std::size_t at = good_.find(text);
    ASSERT_NE(at, std::string::npos) << text;
    damage(at, 0x01);
    expect_contains(message_of<DataError>([&] { ShardReader{damaged_}; }), "damaged.h5: ");
  }
}

TEST_F(ShardDamage, NoFlippedByteGivesAWrongSample) {
  int refused = 0;
  int harmless = 0;
  for (std::size_t at = 0; at < good_.size(); at += 67) {
    damage(at, static_cast<char>(1U << (at % 8)));
    try {
      const ShardReader reader(damaged_);
      reader.verify();
      EXPECT_TRUE(is_intact(reader)) << "byte " << at;
      ++harmless;
    } catch (const DataError& error) {
      expect_contains(error.what(), "damaged.h5");
      ++refused;
    }
  }
  EXPECT_GT(refused, 10 * harmless) << "of " << good_.size() << " bytes";
}

TEST_F(ShardDamage, ATruncatedShardIsNamed) {
  for (std::size_t length = 0; length < good_.size(); length += 97) {
    folder_.write("damaged.h5", std::string_view(good_).substr(0, length));
    expect_contains(message_of<DataError>([&] { ShardReader{damaged_}; }), "damaged.h5");
  }
}

TEST_F(ShardDamage, MutatedShardsGiveTypedErrorsOnly) {
  Random random(11);
  int refused = 0;
  for (int round = 0; round < 100; ++round) {
    std::string bytes = good_;
    const std::int64_t changes = random.integer(1, 30);
    for (std::int64_t change = 0; change < changes; ++change) {
      const auto at =
          static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(bytes.size()) - 1));
      bytes[at] = static_cast<char>(random.integer(0, 255));
    }
    folder_.write("damaged.h5", bytes);
    try {
      const ShardReader reader(damaged_);
      reader.verify();
      EXPECT_TRUE(is_intact(reader)) << "round " << round;
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 60);
}

}  // namespace
}  // namespace dusk
