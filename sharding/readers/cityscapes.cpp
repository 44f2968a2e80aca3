#include <cstdlib>
#include <nlohmann/json.hpp>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

constexpr std::string_view kImageEnd = "_leftImg8bit.png";
constexpr std::string_view kFineLayout =
    "leftImg8bit/ROLE/CITY/*_leftImg8bit.png and gtFine/ROLE/CITY/*_gtFine_labelIds.png";
constexpr std::string_view kCoarseLayout =
    "leftImg8bit/ROLE/CITY/*_leftImg8bit.png and gtCoarse/ROLE/CITY/*_gtCoarse_labelIds.png";
constexpr std::string_view kSequenceLayout = "leftImg8bit_sequence/ROLE/CITY/*_leftImg8bit.png";
constexpr std::string_view kCameraLayout =
    "camera/ROLE/CITY/*_camera.json and disparity/ROLE/CITY/*_disparity.png";

/// Lists one role after the other.
class CityscapesReader {
 public:
  explicit CityscapesReader(const ReaderOptions& options)
      : options_(options),
        coarse_(options.annotation == Annotation::coarse),
        labels_(options.input / (coarse_ ? "gtCoarse" : "gtFine")),
        label_end_(coarse_ ? "_gtCoarse_labelIds.png" : "_gtFine_labelIds.png") {}

  [[nodiscard]] SourceDataset list() {
    std::vector<RoleFolder> parts;
    for (const char* role : {"train", coarse_ ? "train_extra" : "", "val", coarse_ ? "" : "test"})
      if (*role != '\0') parts.push_back({role, options_.input / "leftImg8bit" / role});
    for (const RoleFolder& part : present_parts(options_, std::move(parts), layout()))
      list_role(part);
    return std::move(dataset_);
  }

 private:
  [[nodiscard]] std::string_view layout() const { return coarse_ ? kCoarseLayout : kFineLayout; }

  void list_role(const RoleFolder& part) {
    const bool labelled = part.role != "test" || std::filesystem::exists(labels_ / part.role);
    // Tokens are replaced in the file name only: a parent folder may contain them, too.
    for (const auto& [image, city, stem] : pictures_by_sequence(part.folder, kImageEnd, layout())) {
      SourceSample sample{.name = part.role + "/" + stem,
                          .image = image,
                          .role = part.role,
                          .time_of_day = time_of_day(options_, "day"),
                          .sequence = city};
      if (labelled)
        sample.label =
            existing(labels_ / part.role / city / (stem + label_end_), "label", layout());
      add_camera(sample, stem);
      for (int step = -options_.neighbours; step <= options_.neighbours; ++step)
        dataset_.samples.push_back(step == 0 ? linked(sample, 0) : neighbour(sample, step));
    }
  }

  /// The camera is taken where the data set has its files at all, and the disparity with it.
  void add_camera(SourceSample& sample, const std::string& stem) const {
    const auto cameras = options_.input / "camera", disparities = options_.input / "disparity";
    if (!std::filesystem::is_directory(cameras)) return;
    const auto place = std::filesystem::path(sample.role) / sample.sequence;
    const auto file = existing(cameras / place / (stem + "_camera.json"), "camera", kCameraLayout);
    try {
      const auto json = nlohmann::json::parse(read_text(file));
      const auto& lens = json.at("intrinsic");
      sample.camera = {lens.at("fx"), lens.at("fy"), lens.at("u0"), lens.at("v0")};
      if (!std::filesystem::is_directory(disparities / sample.role)) return;
      sample.depth = DisparityPicture{
          .file =
              existing(disparities / place / (stem + "_disparity.png"), "disparity", kCameraLayout),
          .offset = 1,
          .metre_pixels = sample.camera.fx * json.at("extrinsic").at("baseline").get<double>()};
    } catch (const nlohmann::json::exception& error) {
      fail<DataError>("{}: is no camera: {}", file.string(), error.what());
    }
  }

  /// The frame `step` frames after the annotated one, CITY_SSSSSS_FFFFFF, of its snippet.
  [[nodiscard]] SourceSample neighbour(const SourceSample& annotated, int step) const {
    SourceSample sample = linked(annotated, step);
    sample.label.clear(), sample.depth = {};
    const std::string file = sample.name.substr(annotated.role.size() + 1) + std::string(kImageEnd);
    sample.image = existing(
        options_.input / "leftImg8bit_sequence" / annotated.role / annotated.sequence / file,
        "neighbour of an annotated frame", kSequenceLayout);
    return sample;
  }

  /// With the names of that frame and of those beside it.
  [[nodiscard]] SourceSample linked(const SourceSample& annotated, int step) const {
    const auto name = [&](int frame) {
      const std::size_t digits = annotated.name.size() - 6;
      return fmt::format("{}{:06}", annotated.name.substr(0, digits),
                         std::atoi(annotated.name.c_str() + digits) + frame);
    };
    SourceSample sample = annotated;
    if (options_.neighbours > 0)
      sample.name = name(step), sample.previous = name(step - 1), sample.next = name(step + 1);
    return sample;
  }

  const ReaderOptions& options_;
  bool coarse_;
  std::filesystem::path labels_;
  std::string label_end_;
  SourceDataset dataset_ = dataset_of_label_ids("cityscapes");
};

}  // namespace

SourceDataset list_cityscapes(const ReaderOptions& options) {
  return CityscapesReader(options).list();
}

}  // namespace dusk::sharding
