#include <fmt/core.h>

#include <array>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/report/pictures.hpp"
#include "report/embed.hpp"
#include "report/markup.hpp"

namespace dusk {
namespace {

constexpr int kColumnWidth = 480;  // pixels; what a column of the page shows at most
constexpr int kPageWidth = 1280;

/// OpenCV's channel order: blue, green, red.
cv::Vec3b to_pixel(const std::array<std::uint8_t, 3>& rgb) {
  return {rgb[2], rgb[1], rgb[0]};
}

/// Black for every index that is no class.
std::array<cv::Vec3b, 256> color_table(std::span<const ReportClass> classes) {
  std::array<cv::Vec3b, 256> table{};
  for (std::size_t i = 0; i < classes.size() && i < table.size(); ++i) {
    table[i] = to_pixel(classes[i].color);
  }
  return table;
}

cv::Mat colorize(const cv::Mat& indices, std::span<const ReportClass> classes) {
  const auto table = color_table(classes);
  cv::Mat out(indices.size(), CV_8UC3);
  for (int y = 0; y < indices.rows; ++y) {
    const auto* from = indices.ptr<std::uint8_t>(y);
    auto* to = out.ptr<cv::Vec3b>(y);
    for (int x = 0; x < indices.cols; ++x) to[x] = table[from[x]];
  }
  return out;
}

std::vector<std::uint8_t> encode_png(const cv::Mat& picture, const std::string& name) {
  std::vector<std::uint8_t> bytes;
  if (!cv::imencode(".png", picture, bytes, {cv::IMWRITE_PNG_COMPRESSION, 6})) {
    fail<InternalError>("picture '{}' cannot be encoded as PNG", name);
  }
  return bytes;
}

void save(const std::filesystem::path& path, const cv::Mat& picture) {
  const auto bytes = encode_png(picture, path.filename().string());
  publish(path, std::as_bytes(std::span(bytes)));
}

void check_size(const SamplePicture& sample, std::span<const std::uint8_t> values, int channels,
                const char* what) {
  const auto expected = static_cast<std::size_t>(sample.height) *
                        static_cast<std::size_t>(sample.width) * static_cast<std::size_t>(channels);
  if (sample.height <= 0 || sample.width <= 0 || values.size() != expected) {
    fail<InternalError>("picture '{}': {} has {} values, {}x{}x{} expected", sample.name, what,
                        values.size(), sample.height, sample.width, channels);
  }
}

/// The values themselves, not a copy. OpenCV has no read-only view; nothing writes through this.
cv::Mat view_of(const SamplePicture& sample, std::span<const std::uint8_t> values, int type) {
  return {sample.height, sample.width, type, const_cast<std::uint8_t*>(values.data())};
}

}  // namespace

bool has_picture_codecs() noexcept {
  return true;
}

void save_pictures(const std::filesystem::path& folder, const SamplePicture& sample,
                   std::span<const ReportClass> classes) {
  check_size(sample, sample.image, 3, "the image");
  check_size(sample, sample.prediction, 1, "the prediction");
  if (!sample.label.empty()) check_size(sample, sample.label, 1, "the label");
  make_directories(folder);
  const std::string stem = picture_file_stem(sample.name);
  cv::Mat image;
  cv::cvtColor(view_of(sample, sample.image, CV_8UC3), image, cv::COLOR_RGB2BGR);
  // The input last: readers take its name as "the row is complete".
  if (!sample.label.empty()) {
    save(folder / (stem + ".label.png"), colorize(view_of(sample, sample.label, CV_8UC1), classes));
  }
  save(folder / (stem + ".prediction.png"),
       colorize(view_of(sample, sample.prediction, CV_8UC1), classes));
  save(folder / (stem + ".input.png"), image);
}

void save_picture(const std::filesystem::path& path, int height, int width,
                  std::span<const std::uint8_t> rgb) {
  const std::string name = path.filename().string();
  const SamplePicture picture{.name = name, .height = height, .width = width, .image = rgb};
  check_size(picture, rgb, 3, "it");
  cv::Mat image;
  cv::cvtColor(view_of(picture, rgb, CV_8UC3), image, cv::COLOR_RGB2BGR);
  make_directories(path.parent_path());
  save(path, image);
}

std::string embed_picture(const std::filesystem::path& path, PictureKind kind,
                          std::span<const ReportClass> classes) {
  const auto bytes = read_bytes(path);
  cv::Mat picture;
  try {
    if (!bytes.empty()) {
      const cv::Mat raw(1, static_cast<int>(bytes.size()), CV_8UC1,
                        const_cast<std::byte*>(bytes.data()));
      picture = cv::imdecode(raw, cv::IMREAD_ANYCOLOR);
    }
  } catch (const cv::Exception& error) {
    fail<DataError>("{}: {}", path.string(), error.what());
  }
  if (picture.empty()) fail<DataError>("{}: is no picture that can be decoded", path.string());
  if (picture.channels() == 1 && kind == PictureKind::labels) picture = colorize(picture, classes);
  const int width = kind == PictureKind::sheet ? kPageWidth : kColumnWidth;
  if (picture.cols > width) {
    const int height = std::max(1, picture.rows * width / picture.cols);
    const int method = kind == PictureKind::labels ? cv::INTER_NEAREST : cv::INTER_AREA;
    cv::Mat small;
    cv::resize(picture, small, cv::Size(width, height), 0, 0, method);
    picture = small;
  }
  const auto encoded = encode_png(picture, path.string());
  return png_data_uri(std::as_bytes(std::span(encoded)));
}

}  // namespace dusk
