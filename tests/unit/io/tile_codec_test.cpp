#include "io/tile_codec.hpp"

#include <gtest/gtest.h>

#include "dusk/base/hash.hpp"
#include "sample_pictures.hpp"

namespace dusk {
namespace {

using test::make_picture;
using test::Picture;

TEST(TileCodec, DividesIntoEqualTilesNearTheWantedSize) {
  struct Case {
    int height, width, tile;
    int tile_height, tile_width, rows, cols;
  };
  for (const Case& c : {Case{360, 480, 128, 120, 120, 3, 4}, Case{1024, 2048, 128, 128, 128, 8, 16},
                        Case{1080, 1920, 128, 135, 128, 8, 15}, Case{5, 7, 128, 5, 7, 1, 1},
                        Case{361, 1, 128, 121, 1, 3, 1}, Case{191, 192, 128, 191, 96, 1, 2}}) {
    const TileGrid grid = make_grid(c.height, c.width, c.tile);
    EXPECT_EQ(grid.tile_height, c.tile_height);
    EXPECT_EQ(grid.tile_width, c.tile_width);
    EXPECT_EQ(grid.rows(), c.rows);
    EXPECT_EQ(grid.cols(), c.cols);
  }
}

TEST(TileCodec, CutTilesRepeatTheLastPixel) {
  const TileGrid grid{.height = 3, .width = 3, .tile_height = 2, .tile_width = 2};
  const std::vector<std::uint8_t> picture{1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::vector<std::uint8_t> tile(4);
  const auto cut = [&](int row, int col) {
    cut_tile(grid, Field::label, row, col, std::as_bytes(std::span(picture)),
             std::as_writable_bytes(std::span(tile)));
    return tile;
  };
  EXPECT_EQ(cut(0, 1), (std::vector<std::uint8_t>{3, 3, 6, 6}));
  EXPECT_EQ(cut(1, 0), (std::vector<std::uint8_t>{7, 8, 7, 8}));
  EXPECT_EQ(cut(1, 1), (std::vector<std::uint8_t>{9, 9, 9, 9}));
}

TEST(TileCodec, CutTilesRepeatWholeValuesOfTwoBytes) {
  const TileGrid grid{.height = 1, .width = 3, .tile_height = 2, .tile_width = 2};
  const std::vector<std::uint16_t> picture{0x0102, 0x0304, 0x0506};
  std::vector<std::uint16_t> tile(4);
  cut_tile(grid, Field::depth, 0, 1, std::as_bytes(std::span(picture)),
           std::as_writable_bytes(std::span(tile)));
  EXPECT_EQ(tile, std::vector<std::uint16_t>(4, 0x0506));
}

TEST(TileCodec, CountsValuesAsALoopDoes) {
  Random random(3);
  for (const int size : {0, 1, 7, 8, 9, 64, 1000}) {
    std::vector<std::uint8_t> values;
    while (values.size() < static_cast<std::size_t>(size)) {
      const auto value = static_cast<std::uint8_t>(random.integer(0, 255));
      values.insert(values.end(), static_cast<std::size_t>(random.integer(1, 30)), value);
    }
    values.resize(static_cast<std::size_t>(size));
    ValueCounts expected{};
    for (const std::uint8_t value : values) ++expected[value];
    ValueCounts found{};
    count_values(std::as_bytes(std::span(values)), found);
    EXPECT_EQ(found, expected) << size << " values";
  }
}

TEST(TileCodec, EncodedTilesDecodeAndFollowOneAnother) {
  const Picture picture = make_picture("codec", 37, 53);
  const TileGrid grid = make_grid(37, 53, 16);
  TileEncoder encoder(6);
  const EncodedField encoded =
      encoder.encode(grid, Field::image, std::as_bytes(std::span(picture.image)));
  ASSERT_EQ(encoded.tiles.size(), grid.tiles());
  std::uint64_t next = 0;
  std::vector<std::byte> expected(grid.tile_bytes(Field::image));
  std::vector<std::byte> found(expected.size());
  for (std::size_t i = 0; i < encoded.tiles.size(); ++i) {
    const TileEntry& entry = encoded.tiles[i];
    EXPECT_EQ(entry.offset, next);
    next += entry.size;
    const auto bytes = std::span(encoded.bytes).subspan(entry.offset, entry.size);
    EXPECT_EQ(entry.checksum, checksum64(bytes));
    ASSERT_TRUE(decode_tile(bytes, found));
    const int col = static_cast<int>(i) % grid.cols();
    cut_tile(grid, Field::image, static_cast<int>(i) / grid.cols(), col,
             std::as_bytes(std::span(picture.image)), expected);
    EXPECT_EQ(found, expected);
  }
  EXPECT_EQ(next, encoded.bytes.size());
}

TEST(TileCodec, DecodingFillsTheTileOrSaysNo) {
  const TileGrid grid = make_grid(16, 16, 16);
  TileEncoder encoder(3);
  const EncodedField encoded =
      encoder.encode(grid, Field::label, std::vector<std::byte>(256, std::byte{7}));
  std::vector<std::byte> larger(257);
  std::vector<std::byte> smaller(255);
  std::vector<std::byte> right(256);
  EXPECT_FALSE(decode_tile(encoded.bytes, larger));
  EXPECT_FALSE(decode_tile(encoded.bytes, smaller));
  EXPECT_FALSE(decode_tile(std::span(encoded.bytes).first(encoded.bytes.size() - 1), right));
  EXPECT_FALSE(decode_tile({}, right));
  EXPECT_TRUE(decode_tile(encoded.bytes, right));
}

}  // namespace
}  // namespace dusk
