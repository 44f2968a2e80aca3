#include "dusk/loss/confusion_matrix.hpp"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/comm/communicator.hpp"
#include "dusk/loss/cross_entropy.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kGrain = 1 << 16;

/// Counts of a part of the pixels. Two tables take turns: neighbouring pixels mostly fall into the
/// same cell, and an addition to the cell just written would wait for the store before it.
class Tally {
 public:
  explicit Tally(std::int64_t classes)
      : classes_(static_cast<std::uint64_t>(classes)),
        cells_(2 * (classes_ * classes_ + 1)),
        half_(classes_ * classes_ + 1) {}

  template <class P, class L>
  void add(const P* prediction, const L* label, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const auto truth = static_cast<std::uint64_t>(label[i]);
      const auto guess = static_cast<std::uint64_t>(prediction[i]);
      // The last cell collects what is not counted. Negative values are huge as unsigned ones.
      const bool counted = truth < classes_;
      bad_ += counted && guess >= classes_ ? 1 : 0;
      const std::uint64_t cell = counted && guess < classes_ ? truth * classes_ + guess : half_ - 1;
      ++cells_[(static_cast<std::uint64_t>(i) & 1U) * half_ + cell];
    }
  }

  [[nodiscard]] std::int64_t bad() const { return bad_; }

  void add_to(std::int64_t* counts) const {
    for (std::uint64_t i = 0; i + 1 < half_; ++i) counts[i] += cells_[i] + cells_[half_ + i];
  }

 private:
  std::uint64_t classes_;
  std::vector<std::int64_t> cells_;
  std::uint64_t half_;
  std::int64_t bad_ = 0;
};

template <class P, class L>
void count_on_cpu(const at::Tensor& prediction, const at::Tensor& labels, at::Tensor& counts) {
  const P* guess = prediction.const_data_ptr<P>();
  const L* truth = labels.const_data_ptr<L>();
  std::mutex merging;
  std::int64_t bad = 0;
  at::parallel_for(0, labels.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    Tally tally(counts.size(0));
    tally.add(guess + begin, truth + begin, end - begin);
    const std::scoped_lock lock(merging);  // integers: the order of merging does not matter
    tally.add_to(counts.mutable_data_ptr<std::int64_t>());
    bad += tally.bad();
  });
  if (bad > 0) {
    fail<DataError>("{} predictions are outside the {} classes of the confusion matrix", bad,
                    counts.size(0));
  }
}

template <class P>
void count_on_cpu(const at::Tensor& prediction, const at::Tensor& labels, at::Tensor& counts) {
  if (labels.scalar_type() == at::kByte) {
    count_on_cpu<P, std::uint8_t>(prediction, labels, counts);
  } else {
    count_on_cpu<P, std::int64_t>(prediction, labels, counts);
  }
}

/// One histogram over truth * K + prediction on the device, without waiting for it.
void count_on_device(const at::Tensor& prediction, const at::Tensor& labels, at::Tensor& counts) {
  const std::int64_t classes = counts.size(0);
  const at::Tensor truth = labels.flatten().to(at::kLong);
  const at::Tensor guess = prediction.flatten().to(at::kLong);
  const at::Tensor counted = truth.ge(0) & truth.lt(classes) & guess.ge(0) & guess.lt(classes);
  const at::Tensor cell = at::where(counted, truth * classes + guess, classes * classes);
  counts += at::bincount(cell, {}, classes * classes + 1)
                .narrow(0, 0, classes * classes)
                .view({classes, classes});
}

bool is_class_map(const at::Tensor& map) {
  return map.scalar_type() == at::kByte || map.scalar_type() == at::kLong;
}

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : std::numeric_limits<double>::quiet_NaN();
}

double mean(const std::vector<double>& values) {
  double total = 0;
  double count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    total += value;
    ++count;
  }
  return ratio(total, count);
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(std::int64_t classes, c10::Device device) {
  if (classes < 1 || classes > 255) {
    fail<InternalError>("confusion matrix of {} classes, need 1 to 255", classes);
  }
  counts_ = at::zeros({classes, classes}, at::TensorOptions().dtype(at::kLong).device(device));
}

void ConfusionMatrix::add(const at::Tensor& prediction, const at::Tensor& labels) {
  if (!prediction.sizes().equals(labels.sizes()) || !is_class_map(prediction) ||
      !is_class_map(labels) || prediction.device() != counts_.device() ||
      labels.device() != counts_.device()) {
    fail<InternalError>(
        "confusion matrix: prediction and labels must have one shape, be uint8 or int64, and lie "
        "on "
        "the matrix's device");
  }
  const at::NoGradGuard no_gradient;
  if (!counts_.is_cpu()) {
    count_on_device(prediction, labels, counts_);
    return;
  }
  const at::Tensor guess = prediction.contiguous();
  const at::Tensor truth = labels.contiguous();
  if (guess.scalar_type() == at::kByte) {
    count_on_cpu<std::uint8_t>(guess, truth, counts_);
  } else {
    count_on_cpu<std::int64_t>(guess, truth, counts_);
  }
}

void ConfusionMatrix::add_logits(const at::Tensor& low_res_logits, const at::Tensor& labels) {
  if (labels.dim() != 3) fail<InternalError>("confusion matrix: labels must be (N, H, W)");
  add(upsampled_argmax(low_res_logits, labels.size(1), labels.size(2)), labels);
}

void ConfusionMatrix::all_reduce(Communicator& comm, const std::string& name) {
  comm.all_reduce(counts_, ReduceOp::sum, name).wait();
}

void ConfusionMatrix::reset() {
  counts_.zero_();
}

Scores ConfusionMatrix::scores(AbsentClasses absent) const {
  const at::Tensor host = counts_.cpu().contiguous();
  const auto count = host.accessor<std::int64_t, 2>();
  const std::int64_t classes = host.size(0);
  std::vector<double> truth(static_cast<std::size_t>(classes));
  std::vector<double> guess(static_cast<std::size_t>(classes));
  double correct = 0;
  double all = 0;
  for (std::int64_t i = 0; i < classes; ++i) {
    for (std::int64_t j = 0; j < classes; ++j) {
      truth[static_cast<std::size_t>(i)] += static_cast<double>(count[i][j]);
      guess[static_cast<std::size_t>(j)] += static_cast<double>(count[i][j]);
    }
    correct += static_cast<double>(count[i][i]);
    all += truth[static_cast<std::size_t>(i)];
  }
  Scores scores;
  std::vector<double> recall;
  for (std::int64_t i = 0; i < classes; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const auto hit = static_cast<double>(count[i][i]);
    scores.iou.push_back(ratio(hit, truth[k] + guess[k] - hit));
    recall.push_back(ratio(hit, truth[k]));
    if (truth[k] > 0) scores.fw_iou += truth[k] / all * scores.iou.back();
  }
  scores.pixel_accuracy = ratio(correct, all);
  scores.class_accuracy = mean(recall);
  std::vector<double> averaged = scores.iou;
  if (absent == AbsentClasses::zero && all > 0) {
    std::ranges::replace_if(
        averaged, [](double iou) { return std::isnan(iou); }, 0.0);
  }
  scores.mean_iou = mean(averaged);
  if (!(all > 0)) scores.fw_iou = std::numeric_limits<double>::quiet_NaN();
  return scores;
}

}  // namespace dusk
