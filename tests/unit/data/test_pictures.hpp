#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <source_location>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace dusk::test {

/// Folder of stored outputs, each beside the script that made it.
inline std::filesystem::path golden_folder() {
  return std::filesystem::path(std::source_location::current().file_name()).parent_path() /
         "golden";
}

/// The noise of golden/make_resample.py.
inline std::uint8_t pattern(int y, int x, int c) {
  const auto value = static_cast<std::uint64_t>(y) * 7919 + static_cast<std::uint64_t>(x) * 104729 +
                     static_cast<std::uint64_t>(c) * 1299709 + 12345;
  return static_cast<std::uint8_t>((value * value) >> 11);
}

/// (height, width, 3) of noise.
inline std::vector<std::uint8_t> noise(int height, int width) {
  std::vector<std::uint8_t> image;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) image.push_back(pattern(y, x, c));
  return image;
}

/// Plain access to packed pixels.
struct PictureView {
  std::span<const std::uint8_t> values;
  int width = 0;
  int channels = 3;
  [[nodiscard]] int at(int y, int x, int c = 0) const {
    return values[(static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                   static_cast<std::size_t>(x)) *
                      static_cast<std::size_t>(channels) +
                  static_cast<std::size_t>(c)];
  }
};

}  // namespace dusk::test
