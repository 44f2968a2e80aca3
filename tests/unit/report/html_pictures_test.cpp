#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/report/html_report.hpp"
#include "dusk/report/pictures.hpp"
#include "report/embed.hpp"
#include "unit/report/html_checks.hpp"
#include "unit/report/run_folder.hpp"

namespace dusk {
namespace {

constexpr std::string_view kPrefix = "data:image/png;base64,";

/// Base64 back to bytes, by plain look-up.
std::vector<std::uint8_t> decode(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint8_t> bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<std::uint32_t>(kDigits.find(c));
    held += 6;
    if (held >= 8) bytes.push_back(static_cast<std::uint8_t>(bits >> (held -= 8) & 255U));
  }
  return bytes;
}

cv::Mat picture_of(const std::string& uri) {
  EXPECT_TRUE(uri.starts_with(kPrefix));
  return cv::imdecode(decode(std::string_view(uri).substr(kPrefix.size())), cv::IMREAD_UNCHANGED);
}

void save_sample(const test::RunFolder& run, const std::string& name, int height, int width) {
  const auto pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  const std::vector<std::uint8_t> image(3 * pixels, 90);
  const std::vector<std::uint8_t> indices(pixels, 0);
  save_pictures(run.path() / "pictures/day",
                {.name = name,
                 .height = height,
                 .width = width,
                 .image = image,
                 .label = {},
                 .prediction = indices},
                std::vector<ReportClass>{{"sky", {10, 20, 30}}});
}

TEST(EmbedPicture, ShrinksToTheWidthOfTheColumn) {
  const test::RunFolder run;
  save_sample(run, "x", 600, 1200);
  const cv::Mat picture =
      picture_of(embed_picture(run.path() / "pictures/day/x.input.png", PictureKind::photo, {}));
  EXPECT_EQ(picture.cols, 480);
  EXPECT_EQ(picture.rows, 240);
}

TEST(EmbedPicture, ColoursIndices) {
  const test::RunFolder run;
  const auto path = (run.path() / "indices.png").string();
  cv::imwrite(path, cv::Mat(2, 2, CV_8UC1, cv::Scalar(1)));
  const std::vector<ReportClass> classes{{"a", {1, 1, 1}}, {"b", {10, 20, 30}}};
  const cv::Mat picture = picture_of(embed_picture(path, PictureKind::labels, classes));
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 0), cv::Vec3b(30, 20, 10));
}

TEST(EmbedPicture, NamesAFileThatIsNoPicture) {
  const test::RunFolder run;
  run.write("empty.png", "");
  run.write("text.png", "not a picture");
  for (const char* file : {"empty.png", "text.png"}) {
    try {
      (void)embed_picture(run.path() / file, PictureKind::photo, {});
      ADD_FAILURE() << file;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find(file), std::string::npos);
    }
  }
}

TEST(HtmlReport, ShowsPictureRowsWithALegend) {
  const test::RunFolder run;
  run.write("result.json", R"({"classes": [{"name": "sky", "color": [10, 20, 30]}]})");
  save_sample(run, "one", 4, 6);
  save_sample(run, "two", 4, 6);
  const std::vector<RunReport> runs{read_run(run.path())};
  const std::string page = html_report(runs);
  test::expect_balanced(page);
  test::expect_self_contained(page);
  EXPECT_EQ(test::count(page, "<img "), 4U);  // input and prediction of two samples
  EXPECT_EQ(test::count(page, "no label"), 2U);
  EXPECT_NE(page.find("background:#0a141e"), std::string::npos);
  EXPECT_NE(page.find("unlabelled"), std::string::npos);
}

TEST(HtmlReport, ShowsSheetsAsWideAsThePage) {
  const test::RunFolder run;
  run.write("result.json", "{}");
  const std::vector<std::uint8_t> pixels(3UL * 6 * 2000, 90);
  for (const char* step : {"00000010", "00000020", "00000030", "00000040", "00000100"}) {
    save_picture(run.path() / "sheets" / ("step-" + std::string(step) + ".png"), 6, 2000, pixels);
  }
  run.write("sheets/notes.txt", "no sheet");
  run.write("sheets/caption.txt", "Columns: night & day.");
  const RunReport report = read_run(run.path(), {.sheets = 2});
  ASSERT_EQ(report.sheets.size(), 2U);
  EXPECT_EQ(report.sheets[0].filename(), "step-00000020.png");
  EXPECT_EQ(report.sheets[1].filename(), "step-00000100.png");
  const std::string page = html_report(std::vector<RunReport>{report});
  test::expect_balanced(page);
  EXPECT_EQ(test::count(page, "<img "), 2U);
  EXPECT_NE(page.find("step-00000100"), std::string::npos);
  EXPECT_NE(page.find("Columns: night &amp; day."), std::string::npos);
  EXPECT_EQ(picture_of(embed_picture(report.sheets[0], PictureKind::sheet, {})).cols, 1280);
}

TEST(HtmlReport, ShowsTheInputOnceForSeveralRuns) {
  const test::RunFolder run;
  run.write("result.json", "{}");
  save_sample(run, "one", 4, 6);
  std::vector<RunReport> runs{read_run(run.path()), read_run(run.path())};
  runs[1].name = "other";
  EXPECT_EQ(test::count(html_report(runs), "<img "), 3U);
}

}  // namespace
}  // namespace dusk
