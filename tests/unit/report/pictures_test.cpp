#include "dusk/report/pictures.hpp"

#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>

#include "dusk/base/error.hpp"
#include "unit/report/run_folder.hpp"

namespace dusk {
namespace {

const std::vector<ReportClass> kClasses{{"sky", {10, 20, 30}}, {"road", {200, 100, 50}}};

TEST(SavePictures, WritesThreePicturesInTheColoursOfTheClasses) {
  const test::RunFolder folder;
  const std::vector<std::uint8_t> image{255, 0, 0, 0, 255, 0};  // a red pixel, a green one
  const std::vector<std::uint8_t> label{0, 255};
  const std::vector<std::uint8_t> prediction{1, 0};
  save_pictures(folder.path() / "day",
                {.name = "val/x",
                 .height = 1,
                 .width = 2,
                 .image = image,
                 .label = label,
                 .prediction = prediction},
                kClasses);
  const auto pixel = [&](const char* file, int x) {
    const cv::Mat picture = cv::imread((folder.path() / "day" / file).string());
    EXPECT_EQ(picture.cols, 2) << file;
    const auto bgr = picture.at<cv::Vec3b>(0, x);
    return std::array<int, 3>{bgr[2], bgr[1], bgr[0]};
  };
  EXPECT_EQ(pixel("val_x.input.png", 0), (std::array<int, 3>{255, 0, 0}));
  EXPECT_EQ(pixel("val_x.input.png", 1), (std::array<int, 3>{0, 255, 0}));
  EXPECT_EQ(pixel("val_x.label.png", 0), (std::array<int, 3>{10, 20, 30}));
  EXPECT_EQ(pixel("val_x.label.png", 1), (std::array<int, 3>{0, 0, 0}));
  EXPECT_EQ(pixel("val_x.prediction.png", 0), (std::array<int, 3>{200, 100, 50}));
  EXPECT_EQ(pixel("val_x.prediction.png", 1), (std::array<int, 3>{10, 20, 30}));
}

TEST(SavePicture, WritesRgb) {
  const test::RunFolder folder;
  const auto path = folder.path() / "sheets/a.png";
  save_picture(path, 2, 1, std::vector<std::uint8_t>{255, 0, 0, 1, 2, 3});
  const cv::Mat picture = cv::imread(path.string());
  ASSERT_EQ(picture.rows, 2);
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 0), cv::Vec3b(0, 0, 255));
  EXPECT_EQ(picture.at<cv::Vec3b>(1, 0), cv::Vec3b(3, 2, 1));
  EXPECT_THROW(save_picture(path, 2, 2, std::vector<std::uint8_t>(6)), InternalError);
}

TEST(SavePictures, RefusesValuesOfAnotherSize) {
  const test::RunFolder folder;
  const std::vector<std::uint8_t> three(3);
  const std::vector<std::uint8_t> one(1);
  const SamplePicture good{
      .name = "x", .height = 1, .width = 1, .image = three, .label = one, .prediction = one};
  SamplePicture bad = good;
  bad.image = one;
  EXPECT_THROW(save_pictures(folder.path(), bad, kClasses), InternalError);
  bad = good;
  bad.prediction = {};
  EXPECT_THROW(save_pictures(folder.path(), bad, kClasses), InternalError);
  bad = good;
  bad.label = three;
  EXPECT_THROW(save_pictures(folder.path(), bad, kClasses), InternalError);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace dusk
