#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "dusk/nn/draws.hpp"

namespace dusk {

/// Base of the modules that have random layers: where `set_draws` leaves its key.
class RandomLayers {
 public:
  RandomLayers() = default;
  RandomLayers(const RandomLayers&) = delete;
  RandomLayers& operator=(const RandomLayers&) = delete;
  virtual ~RandomLayers() = default;

  /// `name` tells modules of one network apart.
  void draw_from(const DrawKey& key, std::uint64_t name);
  void let_through() { source_ = Everything{}; }

 protected:
  /// (units, rows) on the device of `like`: entry (u, r) is 0 with probability rates[u], else
  /// 1 / (1 - rates[u]). Undefined where everything is let through. One copy to the device whatever
  /// the number of units. What unit u draws depends on `first` + u.
  [[nodiscard]] at::Tensor survivors(std::span<const double> rates, std::int64_t rows,
                                     const at::Tensor& like, std::uint64_t first = 0) const;
  /// The same for every value of `like` (rows, ...), of which `rate` are 0: float32, row-major.
  /// `use` tells several in one pass apart. They are drawn on the device by torch's generator for
  /// it, seeded anew for every row.
  [[nodiscard]] at::Tensor surviving_values(double rate, const at::Tensor& like,
                                            std::uint64_t use) const;

 private:
  struct Unset {};
  struct Everything {};
  struct Keyed {
    DrawKey key;
    std::uint64_t name = 0;
  };
  /// Null where everything is let through; `InternalError` before `set_draws`.
  [[nodiscard]] const Keyed* keyed() const;

  std::variant<Unset, Everything, Keyed> source_;
};

/// In train mode sets values (Srivastava et al. 2014), or whole channels of a sample (Tompson et
/// al. 2015), to zero with a probability and divides the others by the probability to stay.
class Dropout : public torch::nn::Module, public RandomLayers {
 public:
  enum class Of { values, channels };
  /// `ConfigError` unless `rate` is in [0, 1).
  Dropout(double rate, Of of);
  /// (N, C, H, W). A layer that a network uses several times in a pass gives each a `use`.
  at::Tensor forward(const at::Tensor& x, std::uint64_t use = 0) const;

 private:
  double rate_;
  Of of_;
};

}  // namespace dusk
