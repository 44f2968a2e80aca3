#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dusk {

/// `mean` is the sum divided by the number of ranks, and only for floating types.
enum class ReduceOp { sum, mean, max, min };
[[nodiscard]] std::string_view to_string(ReduceOp op);

/// Name of one collective, given by the caller for messages and records ("grad bucket 3"), and the
/// source line that issued it. A string converts.
struct OpName {
  template <std::convertible_to<std::string> Text>
  OpName(Text&& name,  // NOLINT(google-explicit-constructor): that is its purpose
         std::source_location location = std::source_location::current())
      : text(std::forward<Text>(name)), where(location) {}

  std::string text;
  std::source_location where;
};

/// What an implementation behind `Work` provides.
class WorkState {
 public:
  virtual ~WorkState() = default;
  virtual void wait() = 0;
  virtual void wait_stream() = 0;
  [[nodiscard]] virtual bool done() const = 0;
};

/// One collective that was issued. Until it is done nobody may touch its tensors; the
/// implementation keeps them alive. Copies are the same operation; any thread may wait, repeatedly.
class Work {
 public:
  explicit Work(std::shared_ptr<WorkState> state) : state_(std::move(state)) {}

  /// The host waits. Rethrows the operation's own exception (`CommError` for all that concerns
  /// other ranks), also to the second and third waiter.
  void wait() { state_->wait(); }
  /// Work given to the current stream from now on starts after the operation; the host goes on.
  /// On CPU tensors the same as `wait()`. Throws where the failure is already known.
  void wait_stream() { state_->wait_stream(); }
  /// Finished, well or badly. Never waits.
  [[nodiscard]] bool done() const { return state_->done(); }

 private:
  std::shared_ptr<WorkState> state_;
};

/// Collectives over tensors. The words are defined in include/dusk/comm/README.md; in short:
///  * every rank issues the same operations in the same order, with equal shapes and types;
///  * operations of one communicator run one after the other, beside the caller's work;
///  * results are bit-identical on all ranks, and the same in every run on the same ranks: sums
///    add in rank order (host implementations) or in the library's fixed order (NCCL);
///  * a failed operation closes the communicator: what is queued behind it does not start, later
///    calls throw, the other ranks' waits throw a `CommError` that names the rank that failed.
/// Types: float32, float64, bfloat16, float16, int64, int32, uint8. bfloat16 and float16 are summed
/// in float32 and rounded once (host implementations). Integer sums wrap. max and min hand a NaN
/// through (host implementations). Tensors are contiguous; a wrong argument is an `InternalError`
/// at the call, before anything is sent.
/// Calls on one communicator come from one thread at a time.
class Communicator {
 public:
  Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  /// Never waits for other ranks: operations still pending are failed here and on the others.
  virtual ~Communicator() = default;

  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  /// For people: "MPI, shared memory, chunks of 512.0 KiB".
  [[nodiscard]] virtual std::string description() const = 0;

  /// `buffer` becomes the reduction over all ranks, in place.
  [[nodiscard]] virtual Work all_reduce(at::Tensor buffer, ReduceOp op, OpName name) = 0;
  /// `input`: size() * n elements; `output`: n elements, the reduction of everyone's part rank().
  /// The two do not overlap.
  [[nodiscard]] virtual Work reduce_scatter(at::Tensor output, at::Tensor input, ReduceOp op,
                                            OpName name) = 0;
  /// `input`: n elements; `output`: size() * n elements, everyone's input in rank order.
  [[nodiscard]] virtual Work all_gather(at::Tensor output, at::Tensor input, OpName name) = 0;
  /// outputs[r] has as many elements as rank r's input (0 is allowed).
  [[nodiscard]] virtual Work all_gather_unequal(std::vector<at::Tensor> outputs, at::Tensor input,
                                                OpName name) = 0;
  /// `buffer` of every rank becomes that of `root`.
  [[nodiscard]] virtual Work broadcast(at::Tensor buffer, int root, OpName name) = 0;
  /// Done when every rank has issued it (and, on a GPU, all work before it in its stream is done).
  [[nodiscard]] virtual Work barrier(OpName name) = 0;

  /// Collective: ranks of equal `color` >= 0 form a new communicator, ordered by (key, rank). A
  /// negative color takes part in none and gets a null pointer.
  [[nodiscard]] virtual std::unique_ptr<Communicator> split(int color, int key) = 0;

  /// Closes the communicator on every rank: pending and later operations throw a `CommError` with
  /// this rank and `reason`. For failure paths; safe from any thread; the first reason wins.
  virtual void abort(std::string_view reason) noexcept = 0;
};

}  // namespace dusk
