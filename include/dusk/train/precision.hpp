#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <array>
#include <string_view>
#include <utility>

namespace dusk {

/// Type in which networks compute. Parameters, losses and optimizers stay in float32.
enum class Precision { fp32, bf16 };

constexpr std::array<std::pair<std::string_view, Precision>, 2> names_of(Precision) {
  return {{{"fp32", Precision::fp32}, {"bf16", Precision::bf16}}};
}

/// Autocast for a scope, which is a forward pass: convolutions and matrix products in the given
/// type, reductions in float32. Restores what was before; the outermost scope drops the cache of
/// converted weights, which the next update would make stale. LibTorch ships no such guard.
class AutocastScope {
 public:
  AutocastScope(Precision precision, c10::DeviceType device);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  c10::DeviceType device_;
  bool was_enabled_;
  c10::ScalarType previous_type_;
};

}  // namespace dusk
