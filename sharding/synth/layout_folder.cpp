#include <fmt/format.h>

#include <cmath>

#include "dusk/base/files.hpp"
#include "dusk/data/label_space.hpp"
#include "sharding/pictures.hpp"
#include "sharding/synth/layout_parts.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

const char* name_of(TimeOfDay time) {
  return time == TimeOfDay::day ? "day" : "night";
}

std::string stem_of(const Visit& visit) {
  return fmt::format("place_{:06}_{}", visit.place, name_of(visit.time));
}

std::filesystem::path file_of(const CityOptions& options, const Visit& visit, const char* kind,
                              const char* ending) {
  return options.output / name_of(visit.time) / visit.role / kind / (stem_of(visit) + ending);
}

PictureFiles place(const CityOptions& options, const Visit& visit) {
  return {.image = file_of(options, visit, "rgb", ".jpg"),
          .label = file_of(options, visit, "label", ".png"),
          .code = LabelCode::label_ids};
}

std::vector<std::filesystem::path> list(const CityOptions& options, const Visit& visit) {
  std::vector<std::filesystem::path> files;
  if (options.extras.disparity) files.push_back(file_of(options, visit, "depth", ".png"));
  for (auto& file : list_files(place(options, visit))) files.push_back(std::move(file));
  return files;
}

/// As `Field::depth`: 0 for the sky, the largest value for what is too far.
std::vector<std::uint16_t> stored(const std::vector<float>& depth) {
  std::vector<std::uint16_t> out(depth.size());
  for (std::size_t i = 0; i < depth.size(); ++i)
    if (std::isfinite(depth[i]))
      out[i] = static_cast<std::uint16_t>(
          std::min(std::round(static_cast<double>(depth[i]) / kMetresPerDepth), 65535.0));
  return out;
}

Rendered write(const CityOptions& options, const Visit& visit) {
  Rendered drawn = render(make_scene(options, visit), options.height, options.width);
  if (options.extras.disparity)
    sharding::write_png(file_of(options, visit, "depth", ".png"), drawn.height, drawn.width, 1,
                        stored(drawn.depth));
  write_files(place(options, visit), drawn);
  return drawn;
}

/// Label ids by class name, and those of no class.
std::string table_of_labels() {
  const LabelSpace& space = label_space("cityscapes19");
  std::string values, ignored;
  for (const ClassInfo& info : space.classes)
    values += fmt::format("  {}: [{}]\n", info.name, info.cityscapes_id);
  const LabelMap map = label_ids_to_train_ids(space);
  for (int id = 0; id <= 33; ++id)
    if (map[static_cast<std::size_t>(id)] == LabelSpace::ignore) ignored += fmt::format("{}, ", id);
  return fmt::format("values:\n{}ignored: [{}255]\n", values, ignored);
}

void write_description(const CityOptions& options, std::span<const Visit> visits) {
  std::string parts, pairs;
  for (const std::string_view role : {"train", "val", "test"})
    for (const TimeOfDay time : {TimeOfDay::day, TimeOfDay::night}) {
      if (time == TimeOfDay::night && !options.night) continue;
      const std::string folder = fmt::format("{}/{}", name_of(time), role);
      parts += fmt::format(
          "  - {{images: {0}/rgb, labels: {0}/label, {1}role: {2}, time_of_day: {3}}}\n", folder,
          options.extras.disparity ? fmt::format("depth: {}/depth, ", folder) : "", role,
          name_of(time));
    }
  for (Visit visit : visits) {
    if (visit.time != TimeOfDay::night) continue;
    pairs += fmt::format("{}/{},", visit.role, stem_of(visit));
    visit.time = TimeOfDay::day;
    pairs += fmt::format("{}/{}\n", visit.role, stem_of(visit));
  }
  publish(options.output / "pairs.csv", pairs);
  publish(options.output / "folder.yaml",
          fmt::format("label_space: cityscapes19\nimage_end: .jpg\nlabel_end: .png\n{}parts:\n{}"
                      "pairs: pairs.csv\n",
                      table_of_labels(), parts));
}

}  // namespace

Layout folder_layout() {
  return {.name = "folder",
          .summary = "a tree of its own with its description, folder.yaml; distances as they are",
          .files = list,
          .write = write,
          .finish = write_description};
}

}  // namespace dusk::synth
