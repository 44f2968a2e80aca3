#include "sharding/pictures.hpp"

#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"
#include "unit/sharding/tiny_trees.hpp"

namespace dusk::test {
namespace {

using namespace sharding;

/// The bytes of a picture in some format of OpenCV.
std::string encoded(const std::string& extension, const cv::Mat& picture) {
  std::vector<std::uint8_t> bytes;
  cv::imencode(extension, picture, bytes);
  return {bytes.begin(), bytes.end()};
}

cv::Mat gradient(int type) {
  cv::Mat picture(40, 50, type);
  for (int y = 0; y < picture.rows; ++y)
    for (int x = 0; x < picture.cols * static_cast<int>(picture.elemSize()); ++x)
      picture.ptr<std::uint8_t>(y)[x] = static_cast<std::uint8_t>((x * 5 + y * 3) % 256);
  return picture;
}

TEST(Pictures, PngIsReadAsWrittenInRgbOrder) {
  const TempFolder folder;
  const std::vector<std::uint8_t> pixels{255, 0, 0, 0, 128, 0, 0, 0, 64, 1, 2, 3};
  write_png(folder / "a.png", 2, 2, 3, pixels);
  const Picture picture = read_image(folder / "a.png");
  EXPECT_EQ(picture.height, 2);
  EXPECT_EQ(picture.width, 2);
  EXPECT_EQ(picture.pixels, pixels);
  // OpenCV keeps blue first: an independent view of what was stored.
  const cv::Mat stored = cv::imread((folder / "a.png").string());
  EXPECT_EQ(stored.at<cv::Vec3b>(0, 0), cv::Vec3b(0, 0, 255));
}

TEST(Pictures, LabelValuesAreKept) {
  const TempFolder folder;
  const std::vector<std::uint8_t> values{0, 1, 254, 255, 33, 7};
  write_png(folder / "a.png", 3, 2, 1, values);
  EXPECT_EQ(read_label(folder / "a.png").pixels, values);
}

TEST(Pictures, JpegOfThreeChannelsIsRead) {
  const TempFolder folder;
  const auto path = folder.write("a.jpg", encoded(".jpg", gradient(CV_8UC3)));
  const Picture picture = read_image(path);
  EXPECT_EQ(picture.height, 40);
  EXPECT_EQ(picture.width, 50);
  EXPECT_EQ(picture.channels, 3);
}

TEST(Pictures, ThroughJpegIsWhatAFileWouldKeep) {
  const TempFolder folder;
  const std::vector<std::uint8_t> pixels = tree_pixels(3, 3);
  write_jpeg(folder / "a.jpg", kTreeHeight, kTreeWidth, pixels);
  const auto kept = through_jpeg(kTreeHeight, kTreeWidth, 95, pixels);
  EXPECT_EQ(kept, read_image(folder / "a.jpg").pixels);
  EXPECT_NE(kept, pixels);
  EXPECT_NE(kept, through_jpeg(kTreeHeight, kTreeWidth, 50, pixels));
}

TEST(Pictures, EmptyFileIsNamed) {
  const TempFolder folder;
  const auto path = folder.write("zero.png", "");
  expect_contains(message_of<DataError>([&] { (void)(read_image(path)); }), "zero.png: is empty");
  expect_contains(message_of<DataError>([&] { (void)(read_label(path)); }), "zero.png: is empty");
}

TEST(Pictures, MissingFileIsNamed) {
  const TempFolder folder;
  expect_contains(message_of<DataError>([&] { (void)(read_image(folder / "gone.png")); }),
                  "gone.png: no such picture file");
}

TEST(Pictures, PngCutAnywhereIsRefused) {
  const TempFolder folder;
  const std::string whole = encoded(".png", gradient(CV_8UC3));
  for (const std::size_t size :
       {1UL, 8UL, 20UL, 33UL, whole.size() / 2, whole.size() - 12, whole.size() - 1}) {
    const auto path = folder.write("cut.png", whole.substr(0, size));
    expect_contains(message_of<DataError>([&] { (void)(read_image(path)); }), "cut.png: ");
  }
}

TEST(Pictures, JpegCutAnywhereIsRefused) {
  const std::string whole = encoded(".jpg", gradient(CV_8UC3));
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const auto bytes = std::as_bytes(std::span(whole.data(), size));
    expect_contains(message_of<DataError>([&] { (void)(decode_image(bytes, "cut.jpg")); }),
                    "cut.jpg: ");
  }
}

TEST(Pictures, PngWithAnyChangedByteIsRefused) {
  const TempFolder folder;
  const std::string whole = encoded(".png", gradient(CV_8UC3).rowRange(0, 4).clone());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    const auto path = folder.write("changed.png", changed);
    expect_contains(message_of<DataError>([&] { (void)(read_image(path)); }), "changed.png: ");
  }
}

TEST(Pictures, OtherKindsOfPicturesAreRefused) {
  const TempFolder folder;
  const std::string grey = encoded(".png", gradient(CV_8UC1));
  expect_contains(
      message_of<DataError>([&] { (void)(read_image(folder.write("grey.png", grey))); }),
      "grey.png: an RGB picture");
  const std::string alpha = encoded(".png", gradient(CV_8UC4));
  expect_contains(
      message_of<DataError>([&] { (void)(read_image(folder.write("alpha.png", alpha))); }),
      "alpha.png: an RGB picture");
  const std::string color = encoded(".png", gradient(CV_8UC3));
  expect_contains(
      message_of<DataError>([&] { (void)(read_label(folder.write("color.png", color))); }),
      "color.png: a label must be");
  const std::string jpeg = encoded(".jpg", gradient(CV_8UC1));
  expect_contains(
      message_of<DataError>([&] { (void)(read_label(folder.write("grey.jpg", jpeg))); }),
      "grey.jpg: a label must be");
  expect_contains(
      message_of<DataError>([&] { (void)(read_image(folder.write("text.png", "no picture"))); }),
      "neither a PNG nor");
}

TEST(Pictures, SizeIsBoundedBeforeDecoding) {
  // A header that claims 2^31 - 1 pixels a side, with a right checksum.
  std::string huge = encoded(".png", gradient(CV_8UC3));
  huge.replace(16, 8, std::string("\x7f\xff\xff\xff\x7f\xff\xff\xff", 8));
  huge.replace(29, 4, std::string("\x9b\xab\x9c\x31", 4));
  const TempFolder folder;
  const auto path = folder.write("huge.png", huge);
  expect_contains(message_of<DataError>([&] { (void)(read_image(path)); }),
                  "huge.png: claims 2147483647x2147483647 pixels");
}

TEST(Pictures, WrongNumberOfValuesIsABug) {
  const TempFolder folder;
  expect_contains(message_of<InternalError>([&] {
                    (void)(write_png(folder / "a.png", 2, 2, 3, std::vector<std::uint8_t>(11)));
                  }),
                  "11 values");
}

}  // namespace
}  // namespace dusk::test
