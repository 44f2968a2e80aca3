#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "dusk/base/random.hpp"
#include "dusk/io/shard.hpp"

namespace dusk::test {

/// A sample with its own values, drawn from its name: half smooth, half noise, so that tiles differ
/// in size; labels 0..3 in blocks, some ignored.
struct Picture {
  SampleInfo info;
  std::vector<std::uint8_t> image;
  std::vector<std::uint8_t> label;

  [[nodiscard]] SampleData data() const { return {.info = info, .image = image, .label = label}; }
};

inline Picture make_picture(const std::string& name, int height, int width, bool has_label = true) {
  std::uint64_t seed = 0;
  for (const char letter : name) seed = mix(seed + static_cast<unsigned char>(letter));
  Random random(seed);
  Picture picture{.info = {.name = name,
                           .height = height,
                           .width = width,
                           .has_label = has_label,
                           .role = "train",
                           .time_of_day = has_label ? "day" : "night",
                           .sequence = "drive " + name.substr(0, 1),
                           .pair = "partner of " + name},
                  .image = {},
                  .label = {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int channel = 0; channel < 3; ++channel) {
        const std::int64_t noise = y % 2 == 0 ? random.integer(0, 255) : 0;
        picture.image.push_back(static_cast<std::uint8_t>(x + 3 * y + 50 * channel + noise));
      }
      const int value = (x / 5 + y / 3) % 5;
      if (has_label) picture.label.push_back(static_cast<std::uint8_t>(value == 4 ? 255 : value));
    }
  }
  return picture;
}

inline ShardLabels four_classes() {
  return {.space = "toy4", .classes = {"road", "sky", "car", "tree"}};
}

/// The window of a plain array: the reference for every read.
inline std::vector<std::uint8_t> cut(const std::vector<std::uint8_t>& picture, int width,
                                     int channels, Rect window) {
  std::vector<std::uint8_t> out;
  for (int y = window.y; y < window.y + window.height; ++y) {
    for (int x = window.x; x < window.x + window.width; ++x) {
      for (int channel = 0; channel < channels; ++channel) {
        out.push_back(picture[static_cast<std::size_t>((y * width + x) * channels + channel)]);
      }
    }
  }
  return out;
}

/// `ShardReader` or `ShardSet`: a window as a vector.
template <class Reader>
std::vector<std::uint8_t> read_window(const Reader& reader, Field field, std::size_t index,
                                      Rect window) {
  std::vector<std::uint8_t> out(
      static_cast<std::size_t>(window.height * window.width * channels_of(field)));
  reader.read(field, index, window, out);
  return out;
}

template <class Reader>
std::vector<std::uint8_t> read_all(const Reader& reader, Field field, std::size_t index) {
  return read_window(reader, field, index, whole(reader.info(index)));
}

}  // namespace dusk::test
