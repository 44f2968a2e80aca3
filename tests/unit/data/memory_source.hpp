#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/data/dataset.hpp"

namespace dusk::test {

/// Pictures that are computed when they are read. A pixel of sample `index` is RGB (y, x, index)
/// and its label (y + 2 x + index) % 11, its confidence 7 y + 3 x + index, so that a crop tells
/// where it comes from.
class MemorySource final : public SampleSource {
 public:
  explicit MemorySource(std::vector<SampleInfo> infos, std::string label_space = "camvid11")
      : infos_(std::move(infos)), label_space_(std::move(label_space)) {}

  std::uint64_t size() const override { return infos_.size(); }
  const SampleInfo& info(std::uint64_t index) const override {
    return infos_.at(static_cast<std::size_t>(index));
  }
  const std::string& label_space() const override { return label_space_; }
  std::span<const std::uint32_t> class_pixels(std::uint64_t index) const override {
    if (counts.empty()) return {};
    return counts.at(static_cast<std::size_t>(index));
  }
  std::vector<std::uint64_t> parts() const override {
    return shards.empty() ? SampleSource::parts() : shards;
  }

  void read(Field field, std::uint64_t index, Rect window,
            std::span<std::uint8_t> out) const override {
    (field == Field::image ? images_read : labels_read).fetch_add(1);
    if (before_read) before_read(index);
    if (damaged.contains(index)) fail<DataError>("checksum of tile 3 is wrong");
    auto value = out.begin();
    for (int y = window.y; y < window.y + window.height; ++y)
      for (int x = window.x; x < window.x + window.width; ++x) {
        const auto i = static_cast<int>(index);
        if (field == Field::label) {
          *value++ = label_at ? label_at(y, x, i) : static_cast<std::uint8_t>((y + 2 * x + i) % 11);
          continue;
        }
        if (field == Field::confidence) {
          *value++ = static_cast<std::uint8_t>(7 * y + 3 * x + i);
          continue;
        }
        *value++ = static_cast<std::uint8_t>(y);
        *value++ = static_cast<std::uint8_t>(x);
        *value++ = static_cast<std::uint8_t>(i);
      }
    if (value != out.end()) fail<InternalError>("window and memory differ in size");
  }

  std::set<std::uint64_t> damaged;
  std::vector<std::vector<std::uint32_t>> counts{};                 // of classes, one list a sample
  std::vector<std::uint64_t> shards{};                              // samples of each
  std::function<std::uint8_t(int y, int x, int index)> label_at{};  // instead of the formula
  std::function<void(std::uint64_t)> before_read;
  mutable std::atomic<int> images_read = 0;
  mutable std::atomic<int> labels_read = 0;

 private:
  std::vector<SampleInfo> infos_;
  std::string label_space_;
};

/// `count` samples of one size, "s0", "s1", ...
inline std::vector<SampleInfo> equal_samples(int count, int height, int width) {
  std::vector<SampleInfo> infos;
  for (int i = 0; i < count; ++i) {
    SampleInfo info;
    info.name = std::string("s").append(std::to_string(i));
    info.height = height;
    info.width = width;
    info.has_label = true;
    infos.push_back(std::move(info));
  }
  return infos;
}

}  // namespace dusk::test
