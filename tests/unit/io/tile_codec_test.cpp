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
  cut_tile(grid, Field::label, 0, 1, picture, tile);
  EXPECT_EQ(tile, (std::vector<std::uint8_t>{3, 3, 6, 6}));
  cut_tile(grid, Field::label, 1, 0, picture, tile);
  EXPECT_EQ(tile, (std::vector<std::uint8_t>{7, 8, 7, 8}));
  cut_tile(grid, Field::label, 1, 1, picture, tile);
  EXPECT_EQ(tile, (std::vector<std::uint8_t>{9, 9, 9, 9}));
}

TEST(TileCodec, EncodedTilesDecodeAndFollowOneAnother) {
  const Picture picture = make_picture("codec", 37, 53);
  const TileGrid grid = make_grid(37, 53, 16);
  TileEncoder encoder(6);
  const EncodedField encoded = encoder.encode(grid, Field::image, picture.image);
  ASSERT_EQ(encoded.tiles.size(), grid.tiles());
  std::uint64_t next = 0;
  std::vector<std::uint8_t> expected(grid.tile_bytes(Field::image));
  std::vector<std::uint8_t> found(expected.size());
  for (std::size_t i = 0; i < encoded.tiles.size(); ++i) {
    const TileEntry& entry = encoded.tiles[i];
    EXPECT_EQ(entry.offset, next);
    next += entry.size;
    const auto bytes = std::span(encoded.bytes).subspan(entry.offset, entry.size);
    EXPECT_EQ(entry.checksum, checksum64(bytes));
    ASSERT_TRUE(decode_tile(bytes, found));
    const int col = static_cast<int>(i) % grid.cols();
    cut_tile(grid, Field::image, static_cast<int>(i) / grid.cols(), col, picture.image, expected);
    EXPECT_EQ(found, expected);
  }
  EXPECT_EQ(next, encoded.bytes.size());
}

TEST(TileCodec, DecodingFillsTheTileOrSaysNo) {
  const TileGrid grid = make_grid(16, 16, 16);
  TileEncoder encoder(3);
  const EncodedField encoded =
      encoder.encode(grid, Field::label, std::vector<std::uint8_t>(256, 7));
  std::vector<std::uint8_t> larger(257);
  std::vector<std::uint8_t> smaller(255);
  std::vector<std::uint8_t> right(256);
  EXPECT_FALSE(decode_tile(encoded.bytes, larger));
  EXPECT_FALSE(decode_tile(encoded.bytes, smaller));
  EXPECT_FALSE(decode_tile(std::span(encoded.bytes).first(encoded.bytes.size() - 1), right));
  EXPECT_FALSE(decode_tile({}, right));
  EXPECT_TRUE(decode_tile(encoded.bytes, right));
}

}  // namespace
}  // namespace dusk
