#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dusk {

class Communicator;

/// What a class that occurs neither in labels nor in predictions is to the mean IoU: nothing, or an
/// IoU of 0. Published figures of sets that lack a class differ by it.
enum class AbsentClasses { left_out, zero };

constexpr std::array<std::pair<std::string_view, AbsentClasses>, 2> names_of(AbsentClasses) {
  return {{{"left_out", AbsentClasses::left_out}, {"zero", AbsentClasses::zero}}};
}

/// What a confusion matrix says. All in [0, 1]; NaN where nothing was counted.
struct Scores {
  double pixel_accuracy = 0;  ///< correct pixels / labelled pixels
  double class_accuracy = 0;  ///< mean recall over the classes that occur in the labels
  double mean_iou = 0;        ///< mean IoU over the classes, absent ones as `AbsentClasses` says
  double fw_iou = 0;          ///< IoU weighted with the classes' share of the labels
  std::vector<double> iou;    ///< (K); NaN for a class that occurs in neither
};

/// Counts of (truth, prediction) pairs over any number of pictures, exact on any number of ranks:
/// every rank counts its part, `all_reduce` adds the integers up, and all get the same digits.
///
/// A class that is absent from the labels but predicted somewhere has IoU 0 and is averaged into
/// the mean (as Cityscapes does).
class ConfusionMatrix {
 public:
  /// `classes` in [1, 255]; the counts live on `device`.
  explicit ConfusionMatrix(std::int64_t classes, c10::Device device = c10::kCPU);

  /// `prediction` and `labels`: any equal shape, uint8 or int64, on this matrix's device. Pixels
  /// whose label is outside [0, classes) are skipped; a prediction outside is a `DataError` (on the
  /// CPU).
  void add(const at::Tensor& prediction, const at::Tensor& labels);

  /// `add` of the arg max of `low_res_logits` (N, K, h, w) up-sampled to the labels' size (N, H,
  /// W).
  void add_logits(const at::Tensor& low_res_logits, const at::Tensor& labels);

  /// int64 (K, K), row = truth, column = prediction. Shared storage: write only to merge counts.
  [[nodiscard]] at::Tensor& counts() { return counts_; }
  [[nodiscard]] const at::Tensor& counts() const { return counts_; }

  /// Adds up the counts of all ranks; every rank of `comm` calls it.
  void all_reduce(Communicator& comm, const std::string& name);

  void reset();

  [[nodiscard]] Scores scores(AbsentClasses absent = AbsentClasses::left_out) const;
  [[nodiscard]] std::int64_t classes() const { return counts_.size(0); }

 private:
  at::Tensor counts_;
};

}  // namespace dusk
