#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dusk {

/// One class of a label space.
struct ClassInfo {
  std::string name;
  std::array<std::uint8_t, 3> color{};  ///< RGB, for pictures
  int cityscapes_id = 0;                ///< Cityscapes "labelId" (0..33), as in its label PNGs
  int cityscapes_train_id = 0;          ///< Cityscapes "trainId" (0..18)
};

/// The classes that a set of labels speaks of. A label is the index of its class ("train id");
/// `ignore` marks pixels that no loss and no score looks at.
struct LabelSpace {
  static constexpr int ignore = 255;

  std::string name;
  std::vector<ClassInfo> classes;

  [[nodiscard]] int size() const { return static_cast<int>(classes.size()); }
};

/// "cityscapes19" (Cordts et al. 2016, the 19 classes of the benchmark) or "camvid11" (Brostow et
/// al. 2009 in the 11-class form and with the colours of the SegNet tutorial). `ConfigError` with
/// the known names for anything else.
[[nodiscard]] const LabelSpace& label_space(std::string_view name);

/// A map of all 8-bit labels, applied in one pass: replacing one value after another in the same
/// buffer would map mapped labels again (7 -> 0, then 0 -> 255).
using LabelMap = std::array<std::uint8_t, 256>;

/// Cityscapes labelId -> index of the class in `space`; everything else -> 255. `ConfigError` where
/// two classes of the space share a labelId.
[[nodiscard]] LabelMap label_ids_to_train_ids(const LabelSpace& space);

/// Index of the class in `space` -> Cityscapes labelId, as the benchmark servers want it;
/// everything else -> 0 ("unlabeled").
[[nodiscard]] LabelMap train_ids_to_label_ids(const LabelSpace& space);

void map_labels(const LabelMap& map, std::span<std::uint8_t> labels);

}  // namespace dusk
