#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace torch::nn {
class Module;
}

namespace dusk {

/// `copy`'s parameters and buffers take the values of `original`'s, whose structure, types and
/// devices it shares; `InternalError` that names the tensor where they differ. The copy's
/// parameters need no gradient from now on.
void become_copy(torch::nn::Module& copy, const torch::nn::Module& original);

/// A teacher whose parameters are the exponential moving average of a student's: with t updates
/// behind it, theta_T <- m theta_T + (1 - m) theta_S, m = min(1 - 1 / (t + 1), momentum) (Tarvainen
/// and Valpola 2017 with the warm-up of DSRNSS, spec section 3). The first update copies, the
/// second takes the mean. Every rank updates its own from equal students.
///
/// Buffers are copied once, at construction, and then are the teacher's own business. The teacher's
/// parameters need no gradient. Its modes (train or eval, what its random layers do) are the
/// caller's.
class Teacher {
 public:
  /// `teacher` becomes a copy of `student`. `momentum` in [0, 1].
  Teacher(std::shared_ptr<torch::nn::Module> teacher, const torch::nn::Module& student,
          double momentum);

  /// Before the step's forward passes. `student`: the same module, or one of its structure
  /// (`InternalError`).
  void update(const torch::nn::Module& student);

  [[nodiscard]] torch::nn::Module& module() const { return *module_; }

  /// Updates so far. With the module's tensors it is the whole state: whoever visits the teacher
  /// visits both.
  [[nodiscard]] std::int64_t& count() { return count_; }

 private:
  std::shared_ptr<torch::nn::Module> module_;
  std::vector<at::Tensor> parameters_;  ///< the module's own
  double momentum_;
  std::int64_t count_ = 0;
};

}  // namespace dusk
