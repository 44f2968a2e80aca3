#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

/// Which pixels of a network's labels are kept, by their 8-bit confidence q = round(255 p).
namespace dusk {

/// The least confidence with which a label of each class stays; what lies below becomes
/// `kIgnoredLabel`. 0: all stay. Of 256 labels, so that any label is an index.
using ConfidenceThresholds = std::array<std::uint8_t, 256>;

/// Pixels stay where q / 255 >= `share`, whatever their class. In [0, 1].
[[nodiscard]] ConfidenceThresholds equal_thresholds(double share);

/// How often each confidence occurs with each class. Counts of parts of a set add up to those of
/// the set in any order.
class ConfidenceHistogram {
 public:
  explicit ConfidenceHistogram(std::size_t classes) : counts_(classes * 256) {}

  /// Adds pixels, as many labels as confidences. Labels outside of the classes are left out.
  void add(std::span<const std::uint8_t> labels, std::span<const std::uint8_t> confidence);

  /// Class by class, 256 each.
  [[nodiscard]] std::span<std::int64_t> counts() { return counts_; }
  [[nodiscard]] std::span<const std::int64_t> of_class(std::size_t label) const {
    return std::span(counts_).subspan(label * 256, 256);
  }
  [[nodiscard]] std::size_t classes() const { return counts_.size() / 256; }

 private:
  std::vector<std::int64_t> counts_;
};

/// Class-balanced self-training (Zou et al., ECCV 2018, Algorithm 2, in 8-bit steps): of each class
/// the most confident `portion` of its pixels stays, and those that are as confident as the last of
/// them; a class that is predicted nowhere gets 0. No threshold is above that of `most`, so that
/// labels which are certain enough stay in any case (Li et al., "Bidirectional learning", CVPR
/// 2019: portion 0.5, most 0.9). `portion` in (0, 1], `most` in [0, 1].
[[nodiscard]] ConfidenceThresholds class_balanced_thresholds(const ConfidenceHistogram& histogram,
                                                             double portion, double most = 1.0);

/// Makes the labels that do not stay `kIgnoredLabel`.
void apply_thresholds(const ConfidenceThresholds& thresholds,
                      std::span<const std::uint8_t> confidence, std::span<std::uint8_t> labels);

}  // namespace dusk
