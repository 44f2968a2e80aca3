#include <fmt/format.h>

#include <map>

#include "dusk/base/files.hpp"
#include "sharding/pictures.hpp"
#include "sharding/synth/layout_parts.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

constexpr int kHeight = 960, kWidth = 1280;
constexpr float kFieldOfView = 1.155F;  ///< of the data set's camera: focal length 983 pixels

const char* drive_of(const Visit& visit) {
  return visit.time == TimeOfDay::day ? "2014-12-09-13-21-02" : "2014-12-16-18-44-24";
}

/// Microseconds; frames are a sixteenth of a second apart, places ten seconds.
std::uint64_t time_of(const Visit& visit, int frame) {
  return 1'418'132'400'000'000 + visit.place * 10'000'000 +
         static_cast<std::uint64_t>(62'500 * (frame + 1));
}

std::filesystem::path picture_file(const CityOptions& options, const Visit& visit, int frame) {
  return options.output / drive_of(visit) / "stereo/left" /
         fmt::format("{}.png", time_of(visit, frame));
}

Scene scene_of(const CityOptions& options, const Visit& visit, int frame) {
  Scene scene = frame_scene(options, visit, frame);
  scene.camera.field_of_view = kFieldOfView;
  return scene;
}

/// What a sensor with a GBRG mosaic keeps of a picture.
std::vector<std::uint8_t> mosaic(const Rendered& drawn) {
  std::vector<std::uint8_t> out(drawn.label_ids.size());
  const auto width = static_cast<std::size_t>(drawn.width);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool odd_row = i / width % 2 == 1, odd_column = i % width % 2 == 1;
    const std::size_t channel = odd_row == odd_column ? 1 : odd_row ? 0 : 2;
    out[i] = drawn.image[3 * i + channel];
  }
  return out;
}

std::vector<std::filesystem::path> list(const CityOptions& options, const Visit& visit) {
  std::vector<std::filesystem::path> files;
  for (const int frame : frames_of(options)) files.push_back(picture_file(options, visit, frame));
  return files;
}

Rendered write(const CityOptions& options, const Visit& visit) {
  Rendered drawn;
  for (const int frame : frames_of(options)) {
    drawn = render(scene_of(options, visit, frame), kHeight, kWidth);
    sharding::write_png(picture_file(options, visit, frame), kHeight, kWidth, 1, mosaic(drawn));
  }
  return drawn;
}

/// The lens of a drawn picture is straight already: each pixel is where it belongs.
void write_model(const CityOptions& options, const Visit& visit) {
  make_directories(options.output / "models");
  const dusk::Camera camera = published(make_camera(scene_of(options, visit, 0), kHeight, kWidth));
  publish(options.output / "models/stereo_wide_left.txt",
          fmt::format("{:.6f} {:.6f} {:.6f} {:.6f}\n", camera.fx, camera.fy, camera.cx, camera.cy));
  std::vector<double> table;
  for (int i = 0; i < kHeight * kWidth; ++i) table.push_back(i % kWidth);
  for (int i = 0; i < kHeight * kWidth; ++i) table.push_back(i / kWidth);
  publish(options.output / "models/stereo_wide_left_distortion_lut.bin",
          std::as_bytes(std::span(table)));
}

void finish(const CityOptions& options, std::span<const Visit> visits) {
  std::map<std::string, std::string> times;
  for (const Visit& visit : visits)
    for (const int frame : frames_of(options))
      times[drive_of(visit)] += fmt::format("{} 1\n", time_of(visit, frame));
  for (const auto& [drive, text] : times)
    publish(options.output / drive / "stereo.timestamps", text);
  write_model(options, visits.front());
}

}  // namespace

Layout robotcar_layout() {
  return {.name = "robotcar",
          .summary = "Bayer mosaics of a drive by day and one by night, always 960x1280",
          .files = list,
          .write = write,
          .finish = finish};
}

}  // namespace dusk::synth
