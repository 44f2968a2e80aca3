#include "dusk/base/units.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "dusk/base/clock.hpp"

namespace dusk {
namespace {

TEST(Units, LiteralsCountBytes) {
  EXPECT_EQ((3_KiB).value, 3072U);
  EXPECT_EQ((25_MiB).value, 26'214'400U);
  EXPECT_EQ((2_GiB).value, 2'147'483'648U);
  EXPECT_LT(1_MiB, 1_GiB);
  EXPECT_EQ(1024_KiB, 1_MiB);
}

TEST(Units, BytesForPeople) {
  EXPECT_EQ(to_string(Bytes{0}), "0 B");
  EXPECT_EQ(to_string(Bytes{1023}), "1023 B");
  EXPECT_EQ(to_string(1_KiB), "1.0 KiB");
  EXPECT_EQ(to_string(Bytes{1536}), "1.5 KiB");
  EXPECT_EQ(to_string(25_MiB), "25.0 MiB");
  EXPECT_EQ(to_string(3_GiB), "3.0 GiB");
  EXPECT_EQ(to_string(Bytes{std::size_t{5} << 40}), "5.0 TiB");
  EXPECT_EQ(to_string(Bytes{std::size_t{5} << 50}), "5120.0 TiB");
}

TEST(Units, DurationsForPeople) {
  EXPECT_EQ(format_duration(0), "0.0 s");
  EXPECT_EQ(format_duration(3.21), "3.2 s");
  EXPECT_EQ(format_duration(250), "4 min 10 s");
  EXPECT_EQ(format_duration(3599), "59 min 59 s");
  EXPECT_EQ(format_duration(7500), "2 h 5 min");
  EXPECT_EQ(format_duration(-1), "?");
  EXPECT_EQ(format_duration(std::numeric_limits<double>::quiet_NaN()), "?");
  EXPECT_EQ(format_duration(std::numeric_limits<double>::infinity()), "?");
}

TEST(Clock, StopwatchMovesForward) {
  Stopwatch watch;
  const double first = watch.seconds();
  EXPECT_GE(first, 0);
  while (watch.seconds() <= first) {
  }
  const double lap = watch.restart();
  EXPECT_GT(lap, first);
  EXPECT_GE(watch.seconds(), 0);
}

}  // namespace
}  // namespace dusk
