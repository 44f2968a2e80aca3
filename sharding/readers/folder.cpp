#include <algorithm>
#include <map>
#include <set>

#include "dusk/base/error.hpp"
#include "dusk/config/config.hpp"
#include "dusk/data/label_space.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

constexpr std::string_view kLayout =
    "folder.yaml (or --layout-file) and the folders of pictures and labels that it names";

struct FolderPart {
  std::filesystem::path images, labels, depth;
  std::string role = "train", time_of_day;
  std::vector<double> camera;
};

struct FolderDescription {
  std::string label_space = "cityscapes19";
  std::string image_end = ".png", label_end = ".png";
  std::map<std::string, std::vector<int>> values;
  std::vector<int> ignored{255};
  std::vector<FolderPart> parts;
  std::filesystem::path pairs;
};

template <class V>
void describe(V& v, FolderPart& o) {
  v.required("images", o.images, "folder of pictures, at any depth; relative to --input");
  v.field("labels", o.labels, "the same tree with the labels; empty: there are none");
  v.field("depth", o.depth, "the same tree with 16-bit PNGs in 1/256 m; empty: there are none");
  v.field("role", o.role, "train, val, test or any other name");
  v.field("time_of_day", o.time_of_day, "day, twilight, dusk, night, or empty: unknown");
  v.field("camera", o.camera, "fx, fy, cx, cy in pixels; empty: unknown", positive);
  v.check(o.camera.empty() || o.camera.size() == 4, "camera", "must have four numbers");
}

template <class V>
void describe(V& v, FolderDescription& o) {
  v.field("label_space", o.label_space, "cityscapes19 or camvid11");
  v.field("image_end", o.image_end, "end of a picture's file name");
  v.field("label_end", o.label_end, "what a label's file name has in its place");
  v.field("values", o.values, "class name -> values in the label PNGs; empty: train ids",
          between(0, 255));
  v.field("ignored", o.ignored, "values of pixels that no class has", between(0, 255));
  v.required("parts", o.parts, "list of folders");
  v.field("pairs", o.pairs, "lines NAME,NAME of samples of one place; empty: none");
}

/// The values as the description lists them, each at most once.
void fill_labels(const FolderDescription& description, const std::filesystem::path& file,
                 SourceDataset& dataset) {
  const LabelSpace& space = label_space(description.label_space);
  dataset.label_space = space.name;
  dataset.labels.fill(kNoClass);
  const auto set = [&](int value, std::uint16_t train_id, const std::string& name) {
    auto& entry = dataset.labels[static_cast<std::size_t>(value)];
    if (entry != kNoClass)
      fail<ConfigError>("{}: the value {} of {} has a class already", file.string(), value, name);
    entry = train_id;
  };
  if (description.values.empty())
    for (int id = 0; id < space.size(); ++id) set(id, static_cast<std::uint16_t>(id), "train id");
  for (const auto& [name, values] : description.values) {
    const auto found = std::ranges::find(space.classes, name, &ClassInfo::name);
    if (found == space.classes.end())
      fail<ConfigError>("{}: values.{}: no class of {}", file.string(), name, space.name);
    for (const int value : values)
      set(value, static_cast<std::uint16_t>(found - space.classes.begin()), name);
  }
  for (const int value : description.ignored) set(value, LabelSpace::ignore, "ignored");
  dataset.label_values = "those of " + file.string();
}

std::vector<std::filesystem::path> pictures_below(const std::filesystem::path& folder,
                                                  const std::string& end) {
  if (!std::filesystem::is_directory(folder))
    fail<DataError>("{}: no such folder; expected: {}", folder.string(), kLayout);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().filename().string().ends_with(end))
      files.push_back(entry.path());
  if (files.empty())
    fail<DataError>("{}: holds no *{} file; expected: {}", folder.string(), end, kLayout);
  std::ranges::sort(files);
  return files;
}

void list_part(const ReaderOptions& options, const FolderDescription& description,
               const FolderPart& part, std::vector<SourceSample>& samples) {
  const auto images = options.input / part.images;
  for (const auto& image : pictures_below(images, description.image_end)) {
    const auto place = image.lexically_relative(images).parent_path();
    const std::string stem = stem_before(image, description.image_end);
    SourceSample sample{.name = part.role + "/" + (place / stem).generic_string(),
                        .image = image,
                        .role = part.role,
                        .time_of_day = time_of_day(options, part.time_of_day),
                        .sequence = place.generic_string()};
    if (!part.labels.empty())
      sample.label = existing(options.input / part.labels / place / (stem + description.label_end),
                              "label", kLayout);
    if (!part.depth.empty())
      sample.depth = DepthPicture{
          existing(options.input / part.depth / place / (stem + ".png"), "depth", kLayout)};
    if (!part.camera.empty())
      sample.camera = {part.camera[0], part.camera[1], part.camera[2], part.camera[3]};
    samples.push_back(std::move(sample));
  }
}

/// Both ways: each name is the partner of the other.
void add_pairs(const std::filesystem::path& path, std::vector<SourceSample>& samples) {
  std::map<std::string_view, SourceSample*> by_name;
  for (SourceSample& sample : samples) by_name[sample.name] = &sample;
  for (const auto& [line, values] : read_csv(existing(path, "list of pairs", kLayout), 2)) {
    for (const std::string& value : values)
      if (!by_name.contains(value))
        fail<DataError>("{}:{}: there is no picture {}", path.string(), line, value);
    SourceSample &one = *by_name[values[0]], &other = *by_name[values[1]];
    if (one.pair.empty()) one.pair = other.name;
    if (other.pair.empty()) other.pair = one.name;
  }
}

}  // namespace

SourceDataset list_folder(const ReaderOptions& options) {
  const auto file =
      options.description.empty() ? options.input / "folder.yaml" : options.description;
  (void)existing(file, "description", kLayout);
  const auto description = read<FolderDescription>(load_config(file));
  SourceDataset dataset{.name = "folder"};
  fill_labels(description, file, dataset);
  std::set<std::string> roles;
  for (const FolderPart& part : description.parts) {
    roles.insert(part.role);
    list_part(options, description, part, dataset.samples);
  }
  check_roles(options, std::vector<std::string_view>(roles.begin(), roles.end()));
  const auto pairs = options.pairs.empty() ? description.pairs : options.pairs;
  if (!pairs.empty()) add_pairs(options.input / pairs, dataset.samples);
  std::erase_if(dataset.samples, [&](const auto& s) { return !wants_role(options, s.role); });
  return dataset;
}

}  // namespace dusk::sharding
