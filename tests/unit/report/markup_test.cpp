#include "report/markup.hpp"

#include <gtest/gtest.h>

#include <set>

#include "dusk/report/pictures.hpp"
#include "report/palette.hpp"

namespace dusk {
namespace {

std::string base64(std::string_view text) {
  return encode_base64(std::as_bytes(std::span(text)));
}

TEST(Base64, MatchesTheTestVectorsOfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(EscapeMarkup, LeavesNoWayOutOfTextAndAttributes) {
  EXPECT_EQ(escape_markup(R"(<script a="b" c='d'>&)"),
            "&lt;script a=&quot;b&quot; c=&#39;d&#39;&gt;&amp;");
}

TEST(PageStyle, KnowsLightAndDarkAndFetchesNothing) {
  const std::string_view style = page_style();
  EXPECT_NE(style.find("prefers-color-scheme:dark"), std::string_view::npos);
  EXPECT_EQ(style.find("url("), std::string_view::npos);
  EXPECT_EQ(style.find("@import"), std::string_view::npos);
}

TEST(PaletteColor, IsDifferentForEveryClassOfALabelSpace) {
  std::set<std::string> colors;
  for (std::size_t i = 0; i < 32; ++i) colors.insert(css_color(palette_color(i)));
  EXPECT_EQ(colors.size(), 32U);
  EXPECT_EQ(css_color({1, 128, 255}), "#0180ff");
}

TEST(PictureFileStem, NeverLeavesItsFolder) {
  EXPECT_EQ(picture_file_stem("train/0006R0_f00930"), "train_0006R0_f00930");
  EXPECT_EQ(picture_file_stem("../../etc/passwd"), "_.._.._etc_passwd");
  EXPECT_EQ(picture_file_stem(""), "_");
  EXPECT_EQ(picture_file_stem("a b\xc3\xa4"), "a_b__");
}

}  // namespace
}  // namespace dusk
