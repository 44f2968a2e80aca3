#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/util/intrusive_ptr.h>

#include <string>
#include <string_view>
#include <utility>

namespace dusk {

class Communicator;

/// Mean and biased variance of each channel, (C), and the number of values behind each, (1); all
/// float64.
struct ChannelStatistics {
  at::Tensor mean, variance, count;
};

/// The ranks over whose samples one layer normalises. An autograd node keeps it beside its tensors,
/// hence the base class.
class NormRanks final : public torch::CustomClassHolder {
 public:
  /// `layer` names the exchanges. `communicator` outlives this.
  NormRanks(Communicator& communicator, std::string layer)
      : communicator_(communicator), layer_(std::move(layer)) {}

  /// Statistics of all ranks' samples from each rank's own: one all-reduce of the sums of values
  /// and of squares, in float64, whose digits the subtraction of the squared mean may eat. The same
  /// bits on all ranks. A rank without samples gives count 0 and finite statistics.
  [[nodiscard]] ChannelStatistics combine(const ChannelStatistics& own) const;

  /// The sums of a backward pass: for g the gradient of the normalised value, `sums` (2 C, float64)
  /// holds sum(g) and sum(g (x - mean)) of this rank and becomes those of all.
  void add_gradient_sums(const at::Tensor& sums) const;

 private:
  void add(const at::Tensor& sums, std::string_view what) const;

  Communicator& communicator_;
  std::string layer_;
};

using NormRanksPtr = c10::intrusive_ptr<NormRanks>;

}  // namespace dusk
