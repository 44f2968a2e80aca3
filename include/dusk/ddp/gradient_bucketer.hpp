#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/base/units.hpp"
#include "dusk/device/named_parameter.hpp"

namespace dusk {

class Communicator;

/// What float32 and float64 gradients are rounded to before they travel. `bf16` halves (quarters)
/// the bytes: each rank's part is rounded to 8 bits of precision, and so is the sum of the parts,
/// which host communicators add in float32. Hence, with g_r the gradients of the ranks,
///     |result - sum of g_r| <= 2^-7 (1 + 2^-8) sum of |g_r|
/// (NCCL rounds after every addition it makes). All ranks end with the same bits.
enum class GradientCompression { none, bf16 };

constexpr std::array<std::pair<std::string_view, GradientCompression>, 2> names_of(
    GradientCompression) {
  return {{{"none", GradientCompression::none}, {"bf16", GradientCompression::bf16}}};
}

struct BucketOptions {
  Bytes first = 1_MiB;       ///< the bucket whose gradients arrive first: small, to start early
  Bytes rest = 25_MiB;       ///< every other bucket; a larger parameter gets one of its own
  bool find_unused = false;  ///< parameters without a gradient count as zero instead of an error
  GradientCompression compression = GradientCompression::none;
};

/// Adds up the gradients of all ranks while backward still runs.
///
///     bucketer.zero();
///     backward(loss_a);            // not armed: only accumulates
///     bucketer.arm();
///     backward(loss_b);            // each full bucket is sent as its last gradient arrives
///     bucketer.finish();           // now `.grad` holds the sum over ranks
///     optimizer.step(lr);
///
/// Between construction and destruction the `.grad` of every parameter is a view of a flat bucket,
/// with the parameter's own strides; nothing is copied in or out (but rounded, with compression).
/// Nobody may replace or undefine `.grad` or change a parameter's layout meanwhile (checked,
/// `InternalError`).
///
/// The exchange is a SUM: losses are divided by the global count before backward. Order of buckets
/// is the reverse of registration, hence identical on all ranks without talking, and a bucket
/// starts only after all before it, so the collectives of one bucketer are issued in the same order
/// on every rank whatever order gradients arrive in.
///
/// Several networks: one bucketer for each set of parameters that is armed together. Bucketers
/// share a communicator as long as at most one of them is armed during a backward; two armed at
/// once need a communicator each (`Communicator::split`), since their buckets may interleave
/// differently.
///
/// A collective that cannot be issued because the communicator has failed throws its `CommError`
/// out of backward(), with the message of the first failure.
///
/// On one rank nothing is sent or rounded; the rest, errors included, is the same.
class GradientBucketer {
 public:
  /// `parameters`: leaves that require a gradient, dense, without another post-accumulate hook, in
  /// the same order on all ranks. `name` shows up in the names of the collectives ("grad/generator
  /// 3").
  GradientBucketer(std::vector<NamedParameter> parameters, Communicator& comm,
                   BucketOptions options = {}, std::string name = "grad");
  /// Removes the hooks; does not communicate. Gradients stay as they are.
  ~GradientBucketer();
  GradientBucketer(const GradientBucketer&) = delete;
  GradientBucketer& operator=(const GradientBucketer&) = delete;

  /// Sets all gradients to zero: one fill a bucket. Not while armed.
  void zero();

  /// From now on every parameter gets its last gradient, in the next backward pass or in several
  /// that share the parameters among them; it completes the buckets.
  void arm();

  /// Returns when every gradient holds the sum over ranks (on CUDA: when the current stream may
  /// read it). Parameters that got no gradient in the armed backward are an `InternalError` that
  /// names them, unless `find_unused`. Rethrows what the exchange threw.
  void finish();

  [[nodiscard]] bool is_armed() const;

  /// Euclidean norm of all gradients, accumulated in double, in one pass over the buckets; not
  /// finite exactly if some gradient is not finite. The same on every rank after `finish()`, and on
  /// the CPU independent of the number of threads. On CUDA it waits for the device.
  [[nodiscard]] double norm() const;

  /// Multiplies all gradients.
  void scale(double factor);

  /// Scales the gradients down to `max_norm` if they are longer; returns the norm before. A norm
  /// that is not finite is returned and nothing is scaled: the caller skips the step.
  double clip(double max_norm);

  /// Names of the parameters whose gradient holds NaN or infinity. Slow; for the error message.
  [[nodiscard]] std::vector<std::string> non_finite() const;

  [[nodiscard]] std::size_t bucket_count() const;
  /// Flat storage of bucket `index`, in order of exchange; gaps between gradients hold zeros.
  [[nodiscard]] const at::Tensor& bucket(std::size_t index) const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace dusk
