#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <variant>

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
  /// the number of units.
  [[nodiscard]] at::Tensor survivors(std::span<const double> rates, std::int64_t rows,
                                     const at::Tensor& like) const;

 private:
  struct Unset {};
  struct Everything {};
  struct Keyed {
    DrawKey key;
    std::uint64_t name = 0;
  };
  std::variant<Unset, Everything, Keyed> source_;
};

}  // namespace dusk
