#include "io/shard_index.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "dusk/base/error.hpp"
#include "io/hdf5_file.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

using hdf5::ElementType;
using hdf5::OutputFile;
using test::expect_contains;
using test::message_of;
using test::TempFolder;

/// A shard of one sample of 2x3 pixels, piece by piece, so that each piece can be wrong.
struct HandMade {
  std::string format = kShardFormat;
  std::uint64_t version = 2;
  std::vector<std::string> classes{"road"};
  std::vector<std::uint64_t> class_pixels{0};
  std::vector<std::uint32_t> height{2};
  std::uint32_t row = 0;
  std::uint8_t has_label = 0;
  std::uint8_t has_depth = 0;
  std::vector<double> camera{1, 1, 0, 0};
  std::vector<std::uint64_t> pixels_shape{1, 1};
  ElementType image_type = ElementType::u8;
  std::vector<std::uint64_t> image_shape{1, 2, 3, 3};
  std::vector<std::uint64_t> image_tile{1, 2, 3, 3};
  int filter = kZstdFilter;
  std::vector<std::uint64_t> index_shape{1, 1, 1, 3};
  ElementType index_type = ElementType::u64;
  bool with_pair = true;
  std::size_t names = 1;

  void write(const std::filesystem::path& path) const {
    OutputFile file(path);
    file.write_attribute("format", format);
    file.write_attribute("version", version);
    file.write_attribute("label_space", std::string("toy"));
    file.write_attribute("classes", classes);
    file.write_attribute("provenance", std::string());
    file.write_attribute("class_pixels", class_pixels);
    file.write_attribute("ignored_pixels", 0);
    file.write_attribute("index_checksum", 0x1234);
    file.create_group("/samples");
    const std::array<std::uint64_t, 1> one{1};
    for (const char* name :
         {"name", "role", "time_of_day", "sequence", "pair", "previous", "next"}) {
      if (name == std::string("pair") && !with_pair) continue;
      const std::string text(name == std::string("name") ? names : 1, 'x');
      const std::array<std::uint64_t, 1> count{text.size()};
      file.write_table(std::string("/samples/") + name, ElementType::text, 1, count,
                       std::as_bytes(std::span(text)));
    }
    const std::array<std::uint64_t, 1> heights{height.size()};
    const std::uint32_t width = 3;
    file.write_table("/samples/height", ElementType::u32, 4, heights,
                     std::as_bytes(std::span(height)));
    file.write_table("/samples/width", ElementType::u32, 4, one,
                     std::as_bytes(std::span(&width, 1)));
    file.write_table("/samples/row", ElementType::u32, 4, one, std::as_bytes(std::span(&row, 1)));
    file.write_table("/samples/has_label", ElementType::u8, 1, one,
                     std::as_bytes(std::span(&has_label, 1)));
    file.write_table("/samples/has_depth", ElementType::u8, 1, one,
                     std::as_bytes(std::span(&has_depth, 1)));
    const std::uint8_t none = 0;
    file.write_table("/samples/has_confidence", ElementType::u8, 1, one,
                     std::as_bytes(std::span(&none, 1)));
    const std::array<std::uint64_t, 2> parameters{1, camera.size()};
    file.write_table("/samples/camera", ElementType::f64, 8, parameters,
                     std::as_bytes(std::span(camera)));
    const std::array<std::uint32_t, 4> pixels{};
    file.write_table("/samples/class_pixels", ElementType::u32, 4, pixels_shape,
                     std::as_bytes(std::span(pixels)));
    file.create_group("/2x3");
    (void)file.create_tiled("/2x3/image", image_type, image_shape, image_tile, filter, 3, 0);
    std::uint64_t entries = 1;
    for (const std::uint64_t extent : index_shape) entries *= extent;
    const std::vector<std::uint64_t> table(entries);
    file.write_table("/2x3/image_index", index_type, 8, index_shape,
                     std::as_bytes(std::span(table)));
    file.close();
  }
};

/// What the reader says to a shard with one thing changed.
std::string refusal(const std::function<void(HandMade&)>& change) {
  const TempFolder folder;
  HandMade shard;
  change(shard);
  shard.write(folder / "made.h5");
  const std::string message =
      message_of<DataError>([&] { (void)read_shard_index(PositionedFile(folder / "made.h5")); });
  expect_contains(message, "made.h5: ");
  return message;
}

TEST(ShardIndex, ChecksEachPieceAndTheChecksumLast) {
  expect_contains(refusal([](HandMade&) {}), "checksum");
  expect_contains(refusal([](HandMade& s) { s.format = "other"; }), "format 'other'");
  expect_contains(refusal([](HandMade& s) { s.version = 1; }),
                  "version 1; this program knows versions 2 and 3");
  expect_contains(refusal([](HandMade& s) { s.version = 3; }),
                  "'/2x3/image' is there in a shard of this version");
  expect_contains(refusal([](HandMade& s) { s.class_pixels = {0, 0}; }), "1 classes and 2");
  expect_contains(refusal([](HandMade& s) { s.height = {2, 2}; }), "'/samples/height' has 2");
  expect_contains(refusal([](HandMade& s) { s.height = {0}; }), "size 0x3");
  expect_contains(refusal([](HandMade& s) { s.height = {70000}; }), "size 70000x3");
  expect_contains(refusal([](HandMade& s) { s.height = {5}; }), "/5x3/image");
  expect_contains(refusal([](HandMade& s) { s.row = 1; }), "row 1");
  expect_contains(refusal([](HandMade& s) { s.has_label = 2; }), "has_label 2");
  expect_contains(refusal([](HandMade& s) { s.has_label = 1; }), "a label, its group has none");
  expect_contains(refusal([](HandMade& s) { s.has_depth = 1; }), "a depth, its group has none");
  expect_contains(refusal([](HandMade& s) { s.camera[1] = -1; }), "impossible camera");
  expect_contains(refusal([](HandMade& s) { s.camera[2] = 0.0 / 0.0; }), "impossible camera");
  expect_contains(refusal([](HandMade& s) { s.camera.pop_back(); }), "'/samples/camera'");
  expect_contains(refusal([](HandMade& s) { s.pixels_shape = {1, 2}; }), "'/samples/class_pixels'");
  expect_contains(refusal([](HandMade& s) { s.pixels_shape = {2, 1}; }), "'/samples/class_pixels'");
  expect_contains(refusal([](HandMade& s) { s.image_type = ElementType::u16; }), "'/2x3/image'");
  expect_contains(refusal([](HandMade& s) { s.image_tile = {1, 2, 2, 2}; }), "'/2x3/image'");
  expect_contains(refusal([](HandMade& s) { s.filter = 1; }), "filter 1");
  expect_contains(refusal([](HandMade& s) { s.index_shape = {1, 1, 2, 3}; }), "image_index");
  expect_contains(refusal([](HandMade& s) { s.index_type = ElementType::text; }), "image_index");
  expect_contains(refusal([](HandMade& s) { s.with_pair = false; }), "/samples/pair");
}

TEST(ShardIndex, AClaimOfTwoToTheFortySamplesCostsNothing) {
  expect_contains(refusal([](HandMade& s) {
                    s.image_shape = {std::uint64_t{1} << 40U, 2, 3, 3};
                  }),
                  "'/2x3/image' has a wrong type, shape");
}

TEST(ShardIndex, SamplesThatTheFileHasNoRoomForAreRefusedBeforeTheyTakeMemory) {
  // A byte of the file each; in memory some hundred.
  expect_contains(refusal([](HandMade& s) { s.names = 2'000'000; }), "2000000 samples in 2");
}

TEST(ShardIndex, OtherFilesAreNamed) {
  const TempFolder folder;
  for (const std::string& text : {std::string(), std::string("text"), std::string(5000, '\0'),
                                  std::string("\x89HDF\r\n\x1a\n\0\0\0\0", 12)}) {
    const auto path = folder.write("other.h5", text);
    const std::string message =
        message_of<DataError>([&] { (void)read_shard_index(PositionedFile(path)); });
    expect_contains(message, "other.h5: cannot open (truncated, damaged, or no HDF5 file): HDF5: ");
  }
}

}  // namespace
}  // namespace dusk
