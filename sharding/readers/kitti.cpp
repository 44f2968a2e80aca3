#include <cstdlib>
#include <map>
#include <sstream>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

constexpr std::string_view kSemanticsLayout =
    "training/image_2/*_10.png, training/semantic/*_10.png, testing/image_2/*_10.png and, for "
    "depth, training/calib_cam_to_cam/*.txt and training/disp_occ_0/*_10.png";
constexpr std::string_view kRawLayout =
    "DATE/DATE_drive_NNNN_sync/image_02/data/NNNNNNNNNN.png, DATE/calib_cam_to_cam.txt and, for "
    "depth, DATE/calib_velo_to_cam.txt and DATE/DATE_drive_NNNN_sync/velodyne_points/data/*.bin";
constexpr std::string_view kImageEnd = "_10.png";
/// The authors publish no validation part: of the 200 labelled pictures a fifth is kept for it.
constexpr double kValidationShare = 0.2;
constexpr double kBaseLine = 0.54;  ///< metres between the colour cameras

/// Lines "KEY: NUMBER ...".
class Calibration {
 public:
  explicit Calibration(std::filesystem::path file) : file_(std::move(file)) {
    std::istringstream text(read_text(existing(file_, "calibration", kRawLayout)));
    for (std::string line; std::getline(text, line);) {
      const std::size_t colon = line.find(':');
      if (colon == std::string::npos) continue;
      std::istringstream numbers(line.substr(colon + 1));
      std::vector<double>& values = values_[line.substr(0, colon)];
      for (double value = 0; numbers >> value;) values.push_back(value);
    }
  }

  template <std::size_t Count>
  [[nodiscard]] std::array<double, Count> numbers(const std::string& key) const {
    const auto found = values_.find(key);
    if (found == values_.end() || found->second.size() != Count)
      fail<DataError>("{}: no line {}: with {} numbers", file_.string(), key, Count);
    std::array<double, Count> out{};
    std::ranges::copy(found->second, out.begin());
    return out;
  }

 private:
  std::filesystem::path file_;
  std::map<std::string, std::vector<double>> values_;
};

Camera camera_of(const std::array<double, 12>& projection) {
  return {projection[0], projection[5], projection[2], projection[6]};
}

/// From the lidar to the left colour camera: to camera 0, upright, and to the side by P_rect_02.
RigidMotion lidar_to_camera(const Calibration& cameras, const Calibration& lidar) {
  const auto turn = lidar.numbers<9>("R");
  const auto move = lidar.numbers<3>("T");
  const auto upright = cameras.numbers<9>("R_rect_00");
  const auto p = cameras.numbers<12>("P_rect_02");
  const auto motion = [](const std::array<double, 9>& r, const std::array<double, 3>& t) {
    return RigidMotion{r[0], r[1], r[2], t[0], r[3], r[4], r[5], t[1], r[6], r[7], r[8], t[2]};
  };
  const double z = p[11];
  return then(motion(turn, move),
              motion(upright, {(p[3] - p[2] * z) / p[0], (p[7] - p[6] * z) / p[5], z}));
}

class KittiReader {
 public:
  explicit KittiReader(const ReaderOptions& options)
      : options_(options), training_(options.input / "training") {}

  [[nodiscard]] SourceDataset list() {
    static constexpr std::array<std::string_view, 3> kRoles{"train", "val", "test"};
    check_roles(options_, kRoles);
    for (const std::string role : {"train", "val"}) {
      if (!wants_role(options_, role)) continue;
      for (const auto& image : files_of(training_ / "image_2", kImageEnd, kSemanticsLayout))
        if (in_share(image.stem().string(), kValidationShare) == (role == "val"))
          add_labelled(image, role);
    }
    const auto test = options_.input / "testing/image_2";
    const bool asked = !options_.roles.empty();
    if (wants_role(options_, "test") && (asked || std::filesystem::is_directory(test)))
      for (const auto& image : files_of(test, kImageEnd, kSemanticsLayout))
        dataset_.samples.push_back(sample_of(image, "test"));
    return std::move(dataset_);
  }

 private:
  [[nodiscard]] SourceSample sample_of(const std::filesystem::path& image,
                                       const std::string& role) const {
    return {.name = role + "/" + image.stem().string(),
            .image = image,
            .role = role,
            .time_of_day = time_of_day(options_, "day")};
  }

  void add_labelled(const std::filesystem::path& image, const std::string& role) {
    SourceSample sample = sample_of(image, role);
    const auto file = image.filename();
    sample.label = existing(training_ / "semantic" / file, "label", kSemanticsLayout);
    const auto cameras = training_ / "calib_cam_to_cam", disparities = training_ / "disp_occ_0";
    if (std::filesystem::is_directory(cameras)) {
      const Calibration calibration(cameras / (stem_before(image, kImageEnd) + ".txt"));
      sample.camera = camera_of(calibration.numbers<12>("P_rect_02"));
      if (std::filesystem::is_directory(disparities))
        sample.depth =
            DisparityPicture{.file = existing(disparities / file, "disparity", kSemanticsLayout),
                             .metre_pixels = sample.camera.fx * kBaseLine};
    }
    dataset_.samples.push_back(std::move(sample));
  }

  const ReaderOptions& options_;
  std::filesystem::path training_;
  SourceDataset dataset_ = dataset_of_label_ids("kitti");
};

/// One drive of KITTI raw; the lidar is used where its calibration is there.
class DriveReader {
 public:
  DriveReader(const ReaderOptions& options, const std::filesystem::path& date)
      : options_(options), cameras_(date / "calib_cam_to_cam.txt") {
    camera_ = camera_of(cameras_.numbers<12>("P_rect_02"));
    const auto lidar = date / "calib_velo_to_cam.txt";
    if (std::filesystem::is_regular_file(lidar))
      to_camera_ = lidar_to_camera(cameras_, Calibration(lidar));
  }

  void list(const std::filesystem::path& drive, SourceDataset& dataset) {
    const std::string sequence = drive.filename().string();
    const auto name_of = [&](long long frame) {
      return fmt::format("train/{}/{:010}", sequence, frame);
    };
    for (const auto& image : files_of(drive / "image_02/data", ".png", kRawLayout)) {
      const std::string frame = image.stem().string();
      const long long number = std::atoll(frame.c_str());
      SourceSample sample{.name = name_of(number),
                          .image = image,
                          .role = "train",
                          .time_of_day = time_of_day(options_, "day"),
                          .sequence = sequence,
                          .previous = name_of(number - 1),
                          .next = name_of(number + 1),
                          .camera = camera_};
      const auto sweep = drive / "velodyne_points/data" / (frame + ".bin");
      if (to_camera_ && std::filesystem::is_regular_file(sweep)) {
        sample.depth = LidarSweep{.file = sweep, .values = 4, .to_camera = *to_camera_};
      } else if (to_camera_ && absent_++ == 0) {
        first_absent_ = sample.name;
      }
      dataset.samples.push_back(std::move(sample));
    }
  }

  void warn(SourceDataset& dataset) const {
    add_warning(dataset, absent_, dataset.samples.size(),
                "frames have no lidar sweep (four of drive 2011_09_26_0009 are not published)",
                first_absent_);
  }

 private:
  const ReaderOptions& options_;
  Calibration cameras_;
  Camera camera_;
  std::optional<RigidMotion> to_camera_;
  std::size_t absent_ = 0;
  std::string first_absent_;
};

}  // namespace

SourceDataset list_kitti(const ReaderOptions& options) {
  return KittiReader(options).list();
}

SourceDataset list_kitti_raw(const ReaderOptions& options) {
  static constexpr std::array<std::string_view, 1> kRoles{"train"};
  check_roles(options, kRoles);
  SourceDataset dataset = dataset_of_train_ids("kitti_raw");
  for (const auto& date : folders_of(options.input, kRawLayout)) {
    DriveReader reader(options, date);
    for (const auto& drive : folders_of(date, kRawLayout))
      if (drive.filename().string().ends_with("_sync")) reader.list(drive, dataset);
    reader.warn(dataset);
  }
  return dataset;
}

}  // namespace dusk::sharding
