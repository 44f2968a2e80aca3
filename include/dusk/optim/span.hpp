#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dusk {

/// How long a run is, for schedules.
struct Horizon {
  std::int64_t steps = 1;
  double steps_per_epoch = 1;
};

/// A length of training with its unit: "1500 steps", "2 epochs" or "50 %" of the run. A step is one
/// optimizer update; an epoch is as many steps as it takes to see the training set once.
class Span {
 public:
  enum class Unit { steps, epochs, percent };

  constexpr Span() = default;
  [[nodiscard]] static Span steps(std::int64_t count);
  [[nodiscard]] static Span epochs(double count);   ///< may be a fraction
  [[nodiscard]] static Span percent(double share);  ///< of the run, 0 to 100

  [[nodiscard]] Unit unit() const { return unit_; }
  /// Rounded to the nearest step.
  [[nodiscard]] std::int64_t in_steps(const Horizon& run) const;
  [[nodiscard]] bool is_zero() const { return amount_ == 0; }

  friend bool operator==(const Span&, const Span&) = default;

 private:
  Span(double amount, Unit unit) : amount_(amount), unit_(unit) {}

  double amount_ = 0;
  Unit unit_ = Unit::steps;

  friend std::string format_value(const Span& span);
};

/// Reads "1500 steps", "1 step", "2 epochs", "0.5 epochs", "50 %"; the unit is required.
/// `ConfigError`.
void parse_value(std::string_view text, Span& span);

/// The text that `parse_value` reads back to the same span.
[[nodiscard]] std::string format_value(const Span& span);

}  // namespace dusk
