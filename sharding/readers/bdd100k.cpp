#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "dusk/base/error.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

constexpr std::string_view kLayout =
    "images/10k/{train,val,test}/*.jpg, labels/sem_seg/masks/{train,val}/*.png and, for the time "
    "of day, labels/det_20/det_{train,val}.json";

/// Picture -> its attribute `timeofday`. The lists are of the 100k pictures, hundreds of megabytes
/// long; their boxes are dropped while they are read.
void read_times(const std::filesystem::path& path, std::map<std::string, std::string>& times) {
  using Json = nlohmann::json;
  std::ifstream stream(path);
  const Json::parser_callback_t without_boxes = [](int depth, Json::parse_event_t event,
                                                   Json& parsed) {
    return !(depth == 2 && event == Json::parse_event_t::key && parsed == "labels");
  };
  try {
    for (const Json& frame : Json::parse(stream, without_boxes)) {
      const Json attributes = frame.value("attributes", Json::object());
      times[frame.at("name").get<std::string>()] =
          attributes.is_object() ? attributes.value("timeofday", "undefined") : "undefined";
    }
  } catch (const Json::exception& error) {
    fail<DataError>("{}: is no list of frames with their attributes: {}", path.string(),
                    error.what());
  }
}

/// In the words of `SampleInfo`; empty where it is unknown.
std::string_view in_our_words(const std::string& time, const std::filesystem::path& image) {
  if (time == "daytime") return "day";
  if (time == "night") return "night";
  if (time == "dawn/dusk") return "dusk";
  if (time == "undefined") return "";
  fail<DataError>("{}: timeofday is '{}', not daytime, night, dawn/dusk or undefined",
                  image.string(), time);
}

}  // namespace

SourceDataset list_bdd100k(const ReaderOptions& options) {
  SourceDataset dataset = dataset_of_train_ids("bdd100k");
  std::map<std::string, std::string> times;
  for (const char* role : {"train", "val"}) {
    const auto list = options.input / "labels/det_20" / ("det_" + std::string(role) + ".json");
    if (std::filesystem::is_regular_file(list)) read_times(list, times);
  }
  std::vector<RoleFolder> parts;
  for (const char* role : {"train", "val", "test"})
    parts.push_back({role, options.input / "images/10k" / role});
  std::size_t unknown = 0;
  std::string first;
  for (const auto& [role, folder] : present_parts(options, std::move(parts), kLayout))
    for (const auto& image : files_of(folder, ".jpg", kLayout)) {
      const std::string stem = image.stem().string();
      const auto known = times.find(image.filename().string());
      SourceSample sample{
          .name = role + "/" + stem,
          .image = image,
          .role = role,
          .time_of_day =
              time_of_day(options, known == times.end() ? "" : in_our_words(known->second, image))};
      if (role != "test")
        sample.label = existing(options.input / "labels/sem_seg/masks" / role / (stem + ".png"),
                                "label", kLayout);
      if (sample.time_of_day.empty() && unknown++ == 0) first = sample.name;
      dataset.samples.push_back(std::move(sample));
    }
  add_warning(dataset, unknown, dataset.samples.size(),
              "pictures have no known time of day (not all of the 10k pictures are in det_20)",
              first);
  return dataset;
}

}  // namespace dusk::sharding
