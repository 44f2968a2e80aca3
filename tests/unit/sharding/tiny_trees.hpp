#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dusk/base/files.hpp"
#include "sharding/pictures.hpp"

/// Small data set folders in the layouts of the readers.
namespace dusk::test {

inline constexpr int kTreeHeight = 24, kTreeWidth = 32;

/// Pixels that differ from picture to picture and from place to place.
inline std::vector<std::uint8_t> tree_pixels(unsigned seed, int channels) {
  std::vector<std::uint8_t> pixels(std::size_t{kTreeHeight} * kTreeWidth *
                                   static_cast<unsigned>(channels));
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>((i * 7 + seed * 31 + i / 97 * 13) % 251);
  return pixels;
}

inline void write_grey(const std::filesystem::path& path, const std::vector<std::uint8_t>& pixels,
                       int height = kTreeHeight, int width = kTreeWidth) {
  std::filesystem::create_directories(path.parent_path());
  sharding::write_png(path, height, width, 1, pixels);
}

inline void write_grey16(const std::filesystem::path& path, int height, int width,
                         const std::vector<std::uint16_t>& values) {
  std::filesystem::create_directories(path.parent_path());
  sharding::write_png(path, height, width, 1, values);
}

inline void write_picture(const std::filesystem::path& path, unsigned seed) {
  std::filesystem::create_directories(path.parent_path());
  sharding::write_png(path, kTreeHeight, kTreeWidth, 3, tree_pixels(seed, 3));
}

/// Labels of the given values, in stripes.
inline std::vector<std::uint8_t> striped_labels(const std::vector<std::uint8_t>& values) {
  std::vector<std::uint8_t> labels(std::size_t{kTreeHeight} * kTreeWidth);
  for (std::size_t i = 0; i < labels.size(); ++i)
    labels[i] = values[i / kTreeWidth % values.size()];
  return labels;
}

/// `count` pictures a role: ROOT/{leftImg8bit,gtFine}/ROLE/{aa,bb}/..., label ids 7, 26, 4, 255.
inline void make_cityscapes_tree(const std::filesystem::path& root, unsigned count,
                                 const std::vector<std::string>& roles = {"train", "val"}) {
  unsigned seed = 0;
  for (const std::string& role : roles)
    for (unsigned i = 0; i < count; ++i, ++seed) {
      const std::string city = i % 2 == 0 ? "aa" : "bb";
      const std::string stem = city + "_00000" + std::to_string(i) + "_000019";
      write_picture(root / "leftImg8bit" / role / city / (stem + "_leftImg8bit.png"), seed);
      write_grey(root / "gtFine" / role / city / (stem + "_gtFine_labelIds.png"),
                 striped_labels({7, 26, 4, 255}));
    }
}

/// One picture of each sequence and role; the CamVid names end in .jpg and may hold any picture.
inline void make_camvid_tree(const std::filesystem::path& root) {
  unsigned seed = 0;
  const auto add = [&](const std::string& role, const std::string& stem, bool labelled) {
    write_picture(root / role / (stem + ".jpg"), ++seed);
    if (labelled)
      write_grey(root / (role + "annot") / (stem + ".png"), striped_labels({0, 10, 11}));
  };
  add("train", "0006R0_f00930", true);
  add("train", "0016E5_00390", true);
  add("train", "0001TP_006690", true);
  add("val", "0016E5_07959", true);
  add("test", "Seq05VD_f00000", true);
  add("test", "0001TP_008550", false);
}

/// Cuts or changes a file.
inline void replace_file(const std::filesystem::path& path, std::string_view body) {
  std::filesystem::create_directories(path.parent_path());
  publish(path, body);
}

}  // namespace dusk::test
