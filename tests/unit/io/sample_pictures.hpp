#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "dusk/base/random.hpp"
#include "dusk/io/shard.hpp"

namespace dusk::test {

/// A sample with its own values, drawn from its name: half smooth, half noise, so that tiles differ
/// in size; labels 0..3 in blocks, some ignored; depth of all 16 bits.
struct Picture {
  SampleInfo info;
  std::vector<std::uint8_t> image;
  std::vector<std::uint8_t> label;
  std::vector<std::uint16_t> depth;
  std::vector<std::uint8_t> confidence;

  [[nodiscard]] SampleData data() const {
    return {.info = info, .image = image, .label = label, .depth = depth, .confidence = confidence};
  }
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
                  .label = {},
                  .depth = {},
                  .confidence = {}};
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

/// Gives a picture everything that a sample can have.
inline Picture with_all_fields(Picture picture) {
  SampleInfo& info = picture.info;
  info.has_depth = info.has_confidence = true;
  info.previous = "before " + info.name;
  info.next = "after " + info.name;
  info.camera = {.fx = 500.25, .fy = 499.75, .cx = info.width / 2.0, .cy = info.height / 2.0};
  for (int i = 0; i < info.height * info.width; ++i) {
    picture.depth.push_back(static_cast<std::uint16_t>(i * 257 + 11));
    picture.confidence.push_back(static_cast<std::uint8_t>(i * 3));
  }
  return picture;
}

inline ShardLabels four_classes() {
  return {.space = "toy4", .classes = {"road", "sky", "car", "tree"}};
}

/// The window of a plain array: the reference for every read.
template <class T>
std::vector<T> cut(const std::vector<T>& picture, int width, int channels, Rect window) {
  std::vector<T> out;
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
template <class T = std::uint8_t, class Reader>
std::vector<T> read_window(const Reader& reader, Field field, std::size_t index, Rect window) {
  std::vector<T> out(static_cast<std::size_t>(window.height * window.width * channels_of(field)));
  reader.read(field, index, window, std::span<T>(out));
  return out;
}

template <class T = std::uint8_t, class Reader>
std::vector<T> read_all(const Reader& reader, Field field, std::size_t index) {
  return read_window<T>(reader, field, index, whole(reader.info(index)));
}

/// True where the reader gives sample `index` as it was written, with all of its fields.
template <class Reader>
bool is_same(const Reader& reader, std::size_t index, const Picture& picture) {
  const SampleInfo& found = reader.info(index);
  const SampleInfo& expected = picture.info;
  return found.name == expected.name && found.height == expected.height &&
         found.width == expected.width && found.has_label == expected.has_label &&
         found.has_depth == expected.has_depth && found.has_confidence == expected.has_confidence &&
         found.role == expected.role && found.time_of_day == expected.time_of_day &&
         found.sequence == expected.sequence && found.pair == expected.pair &&
         found.previous == expected.previous && found.next == expected.next &&
         found.camera == expected.camera &&
         read_all(reader, Field::image, index) == picture.image &&
         (!expected.has_label || read_all(reader, Field::label, index) == picture.label) &&
         (!expected.has_depth ||
          read_all<std::uint16_t>(reader, Field::depth, index) == picture.depth) &&
         (!expected.has_confidence ||
          read_all(reader, Field::confidence, index) == picture.confidence);
}

}  // namespace dusk::test
