#include "dusk/optim/span.hpp"

#include <fmt/format.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/base/units.hpp"

namespace dusk {
namespace {

constexpr double kLargest = 1e15;  // whole numbers up to here are exact in a double

[[noreturn]] void refuse(std::string_view text, std::string_view reason) {
  fail<ConfigError>("'{}' {}; write for example '1500 steps', '2 epochs' or '50 %' of the run",
                    text, reason);
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

Span Span::percent(double share) {
  if (!(share >= 0 && share <= 100)) fail<ConfigError>("{} % of a run are no span", share);
  return {share, Unit::percent};
}

std::int64_t Span::in_steps(const Horizon& run) const {
  switch (unit_) {
    case Unit::steps:
      return static_cast<std::int64_t>(amount_);
    case Unit::percent:
      return std::llround(amount_ / 100 * static_cast<double>(run.steps));
    case Unit::epochs:
      break;
  }
  if (!(run.steps_per_epoch > 0)) {
    fail<InternalError>("{} cannot be counted in steps: an epoch has {} steps", format_value(*this),
                        run.steps_per_epoch);
  }
  return std::llround(amount_ * run.steps_per_epoch);
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
  } else if (unit == "%") {
    if (amount > 100) refuse(text, "is more than the run");
    span = Span::percent(amount);
  } else {
    refuse(text, unit.empty() ? "has no unit" : "has an unknown unit");
  }
}

std::string format_value(const Span& span) {
  switch (span.unit_) {
    case Span::Unit::steps:
      return fmt::format("{} steps", static_cast<std::int64_t>(span.amount_));
    case Span::Unit::epochs:
      return fmt::format("{} epochs", span.amount_);
    case Span::Unit::percent:
      return fmt::format("{} %", span.amount_);
  }
  fail<InternalError>("unknown unit of a span");
}

}  // namespace dusk
