#include "sharding/raw_camera.hpp"

#include <cstring>
#include <opencv2/imgproc.hpp>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"

namespace dusk::sharding {
namespace {

/// Half a table as the columns (or rows) that a picture is taken from.
cv::Mat read_places(std::span<const std::byte> bytes, int height, int width) {
  std::vector<double> places(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  std::memcpy(places.data(), bytes.data(), bytes.size());
  cv::Mat narrow;
  cv::Mat(height, width, CV_64F, places.data()).convertTo(narrow, CV_32F);
  return narrow;
}

cv::Mat straighten(const RawCamera& camera, const cv::Mat& picture) {
  const MappedFile table(camera.undistortion);
  const std::size_t half = static_cast<std::size_t>(camera.height) *
                           static_cast<std::size_t>(camera.width) * sizeof(double);
  if (table.bytes().size() != 2 * half)
    fail<DataError>("{}: {} bytes, but a table for {}x{} pixels has {}",
                    camera.undistortion.string(), table.bytes().size(), camera.height, camera.width,
                    2 * half);
  cv::Mat straight;
  cv::remap(picture, straight, read_places(table.bytes().first(half), camera.height, camera.width),
            read_places(table.bytes().last(half), camera.height, camera.width), cv::INTER_LINEAR,
            cv::BORDER_CONSTANT);
  return straight;
}

}  // namespace

Picture read_raw_picture(const RawCamera& camera, const std::filesystem::path& path) {
  Picture mosaic = read_mosaic(path);
  if (mosaic.height != camera.height || mosaic.width != camera.width)
    fail<DataError>("{}: {}x{} pixels, but this camera's mosaics have {}x{}", path.string(),
                    mosaic.height, mosaic.width, camera.height, camera.width);
  cv::Mat picture;
  cv::demosaicing(cv::Mat(mosaic.height, mosaic.width, CV_8UC1, mosaic.pixels.data()), picture,
                  cv::COLOR_BayerGBRG2RGB);
  const cv::Mat straight = straighten(camera, picture);
  Picture out{camera.kept_rows, camera.width, 3, {}};
  const auto* first = straight.ptr<std::uint8_t>(camera.first_row);
  out.pixels.assign(first, first + static_cast<std::size_t>(camera.kept_rows) *
                                       static_cast<std::size_t>(camera.width) * 3);
  return out;
}

}  // namespace dusk::sharding
