#include "sharding/pictures.hpp"

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "sharding/picture_header.hpp"

namespace dusk::sharding {
namespace {

cv::Mat decode(std::span<const std::byte> bytes, int flags, const PictureHeader& header,
               const std::filesystem::path& path) {
  // OpenCV takes no read-only view; it does not write to it.
  const cv::Mat encoded(1, static_cast<int>(bytes.size()), CV_8UC1,
                        const_cast<std::byte*>(bytes.data()));
  cv::Mat picture;
  try {
    picture = cv::imdecode(encoded, flags | cv::IMREAD_IGNORE_ORIENTATION);
  } catch (const cv::Exception& error) {
    fail<DataError>("{}: cannot be decoded: {}", path.string(), error.err);
  }
  if (picture.empty())
    fail<DataError>("{}: cannot be decoded: its data are damaged", path.string());
  if (picture.rows != header.height || picture.cols != header.width)
    fail<DataError>("{}: decodes to {}x{} pixels, but its header says {}x{}", path.string(),
                    picture.rows, picture.cols, header.height, header.width);
  return picture;
}

Picture take(const cv::Mat& picture) {
  const auto row = static_cast<std::size_t>(picture.cols) * picture.elemSize();
  Picture out{picture.rows, picture.cols, picture.channels(), {}};
  out.pixels.reserve(row * static_cast<std::size_t>(picture.rows));
  for (int y = 0; y < picture.rows; ++y)
    out.pixels.insert(out.pixels.end(), picture.ptr<std::uint8_t>(y),
                      picture.ptr<std::uint8_t>(y) + row);
  return out;
}

/// `rule` says what is expected in place of anything else than a grey PNG of 8 bits.
Picture decode_grey(std::span<const std::byte> bytes, const std::filesystem::path& path,
                    std::string_view rule) {
  const PictureHeader header = check_picture(bytes, path);
  if (!header.is_png || header.kind != PictureKind::grey || header.bits != 8)
    fail<DataError>("{}: {}", path.string(), rule);
  return take(decode(bytes, cv::IMREAD_GRAYSCALE, header, path));
}

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  if (!std::filesystem::is_regular_file(path))
    fail<DataError>("{}: no such picture file", path.string());
  return read_bytes(path);
}

template <class Value>
void encode(const std::filesystem::path& path, const char* ending, int height, int width,
            int channels, int depth, std::span<const Value> pixels) {
  const auto values = static_cast<std::size_t>(height) * static_cast<std::size_t>(width) *
                      static_cast<std::size_t>(channels);
  if (pixels.size() != values || (channels != 1 && channels != 3))
    fail<InternalError>("{}: {} values for a picture of {}x{}x{}", path.string(), pixels.size(),
                        height, width, channels);
  const cv::Mat picture(height, width, CV_MAKETYPE(depth, channels),
                        const_cast<Value*>(pixels.data()));
  cv::Mat stored;
  if (channels == 3) {
    cv::cvtColor(picture, stored, cv::COLOR_RGB2BGR);
  } else {
    stored = picture;
  }
  std::vector<std::uint8_t> encoded;
  if (!cv::imencode(ending, stored, encoded)) fail<InternalError>("{}: not encoded", path.string());
  publish(path, std::as_bytes(std::span(encoded)));
}

}  // namespace

Picture decode_image(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  const PictureHeader header = check_picture(bytes, path);
  if (header.kind != PictureKind::rgb || header.bits != 8)
    fail<DataError>("{}: an RGB picture of 8 bits a channel is expected", path.string());
  cv::Mat picture = decode(bytes, cv::IMREAD_COLOR, header, path);
  cv::cvtColor(picture, picture, cv::COLOR_BGR2RGB);
  return take(picture);
}

Picture decode_label(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  return decode_grey(bytes, path, "a label must be a grey PNG of 8 bits, one value a class");
}

Picture read_image(const std::filesystem::path& path) {
  return decode_image(read_file(path), path);
}

Picture read_label(const std::filesystem::path& path) {
  return decode_label(read_file(path), path);
}

Picture read_mosaic(const std::filesystem::path& path) {
  return decode_grey(read_file(path), path, "a camera's mosaic must be a grey PNG of 8 bits");
}

Picture16 read_grey16(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  const PictureHeader header = check_picture(bytes, path);
  if (!header.is_png || header.kind != PictureKind::grey || header.bits != 16)
    fail<DataError>("{}: a grey PNG of 16 bits is expected", path.string());
  const cv::Mat picture = decode(bytes, cv::IMREAD_UNCHANGED, header, path);
  Picture16 out{picture.rows, picture.cols, {}};
  out.pixels.assign(picture.begin<std::uint16_t>(), picture.end<std::uint16_t>());
  return out;
}

void write_png(const std::filesystem::path& path, int height, int width, int channels,
               std::span<const std::uint8_t> pixels) {
  encode(path, ".png", height, width, channels, CV_8U, pixels);
}

void write_png(const std::filesystem::path& path, int height, int width, int channels,
               std::span<const std::uint16_t> pixels) {
  encode(path, ".png", height, width, channels, CV_16U, pixels);
}

void write_jpeg(const std::filesystem::path& path, int height, int width,
                std::span<const std::uint8_t> pixels) {
  encode(path, ".jpg", height, width, 3, CV_8U, pixels);  // 95 is the encoder's default
}

std::vector<std::uint8_t> through_jpeg(int height, int width, int quality,
                                       std::span<const std::uint8_t> pixels) {
  const cv::Mat picture(height, width, CV_8UC3, const_cast<std::uint8_t*>(pixels.data()));
  cv::Mat stored;
  cv::cvtColor(picture, stored, cv::COLOR_RGB2BGR);
  std::vector<std::uint8_t> encoded;
  if (!cv::imencode(".jpg", stored, encoded, {cv::IMWRITE_JPEG_QUALITY, quality}))
    fail<InternalError>("a picture of {}x{} pixels: not encoded as JPEG", height, width);
  cv::imdecode(encoded, cv::IMREAD_COLOR, &stored);
  cv::cvtColor(stored, stored, cv::COLOR_BGR2RGB);
  return take(stored).pixels;
}

}  // namespace dusk::sharding
