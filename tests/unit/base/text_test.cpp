#include "dusk/base/text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dusk {
namespace {

TEST(Text, PrintableFitsOneLine) {
  EXPECT_EQ(printable("plain \xC3\xA4"), "plain \xC3\xA4");
  EXPECT_EQ(printable("a\nb\x1B\xFF"), "a\\x0ab\\x1b\\xff");
  EXPECT_EQ(printable(std::string(61, 'x')), std::string(60, 'x') + "...");
  EXPECT_EQ(printable(std::string(60, 'x')), std::string(60, 'x'));
  EXPECT_EQ(in_quotes("a"), "'a'");
}

TEST(Text, FirstBadByteOfUtf8) {
  EXPECT_EQ(first_bad_byte("a\t\r\n\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8C\x99"), std::nullopt);
  EXPECT_EQ(first_bad_byte("ab\x01"), 2U);
  EXPECT_EQ(first_bad_byte("ab\xC3"), 2U);
  EXPECT_EQ(first_bad_byte("\xE2\x82"), 0U);
  EXPECT_EQ(first_bad_byte("\xF0\x9F\x8C"), 0U);
  EXPECT_EQ(first_bad_byte("x\xED\xA0\x80"), 1U);     // a surrogate
  EXPECT_EQ(first_bad_byte("\xF0\x80\x80\x80"), 0U);  // overlong
}

}  // namespace
}  // namespace dusk
