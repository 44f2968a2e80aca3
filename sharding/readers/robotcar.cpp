#include <algorithm>
#include <fstream>

#include "dusk/base/error.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

constexpr std::string_view kLayout =
    "YYYY-MM-DD-hh-mm-ss/stereo/left/MICROSECONDS.png, YYYY-MM-DD-hh-mm-ss/stereo.timestamps, "
    "models/{stereo_wide_left.txt,stereo_wide_left_distortion_lut.bin} of the data set's SDK and, "
    "for "
    "the time of day, its tags/";
constexpr std::string_view kTable = "stereo_wide_left_distortion_lut.bin";
constexpr int kHeight = 960, kWidth = 1280, kFirstRow = 160, kKeptRows = 640;

/// The first word of each line, in the order of the file.
std::vector<std::string> read_timestamps(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::vector<std::string> stamps;
  std::size_t number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    const std::string stamp = line.substr(0, line.find_first_of(" \r"));
    if (stamp.empty()) continue;
    if (!std::ranges::all_of(stamp, [](char c) { return c >= '0' && c <= '9'; }))
      fail<DataError>("{}:{}: '{}' is no time in microseconds", path.string(), number, stamp);
    stamps.push_back(stamp);
  }
  return stamps;
}

/// The model's first line: focal lengths and principal point in pixels of the whole picture.
Camera read_camera(const std::filesystem::path& path) {
  std::ifstream stream(existing(path, "model of the lens", kLayout));
  Camera camera;
  if (!(stream >> camera.fx >> camera.fy >> camera.cx >> camera.cy) || !camera.is_known())
    fail<DataError>("{}:1: four numbers are expected: fx fy cx cy", path.string());
  camera.cy -= kFirstRow;
  return camera;
}

/// The SDK's tags say "night" or "dusk" of some drives and nothing of the light of others; the two
/// drives of the literature have none.
std::string_view time_of_drive(const std::filesystem::path& input, const std::string& drive) {
  if (drive == "2014-12-09-13-21-02") return "day";
  if (drive == "2014-12-16-18-44-24") return "night";
  const auto tags = input / "tags" / (drive + ".yaml");
  if (!std::filesystem::is_regular_file(tags)) return "";
  std::ifstream stream(tags);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("- night")) return "night";
    if (line.starts_with("- dusk")) return "dusk";
  }
  return "day";
}

/// "2014-12-09-13-21-02"
bool is_drive(const std::string& name) {
  return name.size() == 19 && name.starts_with("20");
}

}  // namespace

SourceDataset list_robotcar(const ReaderOptions& options) {
  static constexpr std::array<std::string_view, 1> kRoles{"train"};
  check_roles(options, kRoles);
  SourceDataset dataset = dataset_of_train_ids("robotcar");
  dataset.raw = RawCamera{
      .undistortion = existing(options.input / "models" / kTable, "table of the lens", kLayout),
      .height = kHeight,
      .width = kWidth,
      .first_row = kFirstRow,
      .kept_rows = kKeptRows};
  const Camera camera = read_camera(options.input / "models/stereo_wide_left.txt");
  std::size_t unknown = 0, absent = 0, listed = 0;
  std::string first_unknown, first_absent;
  for (const auto& folder : folders_of(options.input, kLayout)) {
    const std::string drive = folder.filename().string();
    if (!is_drive(drive)) continue;
    const std::string_view time = time_of_drive(options.input, drive);
    const auto stamps =
        read_timestamps(existing(folder / "stereo.timestamps", "list of times", kLayout));
    const auto name_of = [&](const std::string& stamp) { return "train/" + drive + "/" + stamp; };
    listed += stamps.size();
    for (std::size_t i = 0; i < stamps.size(); ++i) {
      const auto image = folder / "stereo/left" / (stamps[i] + ".png");
      if (!std::filesystem::is_regular_file(image)) {
        if (absent++ == 0) first_absent = image.string();
        continue;
      }
      SourceSample sample{.name = name_of(stamps[i]),
                          .image = image,
                          .role = "train",
                          .time_of_day = time_of_day(options, time),
                          .sequence = drive,
                          .previous = i > 0 ? name_of(stamps[i - 1]) : "",
                          .next = i + 1 < stamps.size() ? name_of(stamps[i + 1]) : "",
                          .camera = camera};
      if (sample.time_of_day.empty() && unknown++ == 0) first_unknown = sample.name;
      dataset.samples.push_back(std::move(sample));
    }
  }
  add_warning(dataset, absent, listed, "listed times have no picture (drives come in pieces)",
              first_absent);
  add_warning(dataset, unknown, listed, "pictures have no known time of day (no tags of the drive)",
              first_unknown);
  return dataset;
}

}  // namespace dusk::sharding
