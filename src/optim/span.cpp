#include "dusk/optim/span.hpp"

#include <fmt/format.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/base/units.hpp"

namespace dusk {
namespace {

constexpr double kLargest = 1e15;  // whole numbers up to here are exact in a double

[[noreturn]] void refuse(std::string_view text, std::string_view reason) {
  fail<ConfigError>("'{}' {}; write for example '1500 steps' or '2 epochs'", text, reason);
}

}  // namespace

Span Span::steps(std::int64_t count) {
  if (count < 0) fail<ConfigError>("a span of {} steps is negative", count);
  return {static_cast<double>(count), Unit::steps};
}

Span Span::epochs(double count) {
  if (!(count >= 0 && count <= kLargest)) fail<ConfigError>("{} epochs are no span", count);
  return {count, Unit::epochs};
}

std::int64_t Span::in_steps(double steps_per_epoch) const {
  if (unit_ == Unit::steps) return static_cast<std::int64_t>(amount_);
  if (!(steps_per_epoch > 0)) {
    fail<InternalError>("{} cannot be counted in steps: an epoch has {} steps", format_value(*this),
                        steps_per_epoch);
  }
  return std::llround(amount_ * steps_per_epoch);
}

void parse_value(std::string_view text, Span& span) {
  const auto quantity = parse_quantity(text);
  if (!quantity) refuse(text, "is no length of training");
  const auto [amount, unit] = *quantity;
  if (!(amount >= 0 && amount <= kLargest)) refuse(text, "is out of range");
  if (unit == "epochs" || unit == "epoch") {
    span = Span::epochs(amount);
  } else if (unit == "steps" || unit == "step") {
    if (amount != std::floor(amount)) refuse(text, "is no whole number of steps");
    span = Span::steps(static_cast<std::int64_t>(amount));
  } else {
    refuse(text, unit.empty() ? "has no unit" : "has an unknown unit");
  }
}

std::string format_value(const Span& span) {
  if (span.unit_ == Span::Unit::steps) {
    return fmt::format("{} steps", static_cast<std::int64_t>(span.amount_));
  }
  return fmt::format("{} epochs", span.amount_);
}

}  // namespace dusk
