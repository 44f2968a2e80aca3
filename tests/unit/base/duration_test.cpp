#include "dusk/base/duration.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"

namespace dusk {
namespace {

double parsed(const std::string& text) {
  Duration duration;
  parse_value(text, duration);
  return duration.seconds;
}

void refused(const std::string& text, const std::string& reason) {
  test::expect_contains(test::message_of<ConfigError>([&] { (void)parsed(text); }), reason);
}

TEST(Duration, ReadsEveryUnit) {
  const std::vector<std::pair<std::string, double>> cases = {
      {"250 ms", 0.25}, {"60 s", 60},   {"10 min", 600}, {"1.5 h", 5400},
      {"2 d", 172800},  {"10min", 600}, {" 5  s ", 5},   {"0 s", 0}};
  for (const auto& [text, seconds] : cases) EXPECT_DOUBLE_EQ(parsed(text), seconds) << text;
}

TEST(Duration, TextIsReadBack) {
  for (const double seconds : {0.0, 0.25, 1.0, 59.5, 90.0, 600.0, 1800.0, 5400.0, 86400.0}) {
    EXPECT_EQ(parsed(format_value(Duration{seconds})), seconds) << format_value(Duration{seconds});
  }
  EXPECT_EQ(format_value(Duration{600}), "10 min");
  EXPECT_EQ(format_value(Duration{90}), "90 s");
  EXPECT_EQ(format_value(Duration{172800}), "2 d");
}

TEST(Duration, RefusesWhatHasNoUnitOrNoSense) {
  refused("10", "has no unit");
  refused("10 minutes", "unknown unit");
  refused("soon", "is no length of time");
  refused("-1 s", "out of range");
  refused("1e12 d", "out of range");
  refused("nan s", "out of range");
}

}  // namespace
}  // namespace dusk
