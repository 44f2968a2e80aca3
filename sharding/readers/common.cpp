#include <algorithm>
#include <fstream>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/data/label_space.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

namespace fs = std::filesystem;

/// What `wanted` says yes to in a folder, sorted.
template <class Wanted>
std::vector<fs::path> entries_of(const fs::path& folder, std::string_view layout,
                                 std::string_view what, const Wanted& wanted) {
  if (!fs::is_directory(folder))
    fail<DataError>("{}: no such folder; expected: {}", folder.string(), layout);
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder))
    if (wanted(entry)) found.push_back(entry.path());
  if (found.empty())
    fail<DataError>("{}: holds no {}; expected: {}", folder.string(), what, layout);
  std::ranges::sort(found);
  return found;
}

std::string joined(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

SourceLabelMap label_id_map() {
  constexpr std::uint16_t kHighestLabelId = 33;
  const LabelMap train_ids = label_ids_to_train_ids(label_space("cityscapes19"));
  SourceLabelMap map;
  map.fill(kNoClass);
  for (std::size_t id = 0; id <= kHighestLabelId; ++id) map[id] = train_ids[id];
  map[255] = LabelSpace::ignore;
  return map;
}

SourceLabelMap train_id_map() {
  SourceLabelMap map;
  map.fill(kNoClass);
  for (std::uint16_t id = 0; id < 19; ++id) map[id] = id;
  map[255] = LabelSpace::ignore;
  return map;
}

SourceDataset empty_dataset(std::string_view name, const SourceLabelMap& labels,
                            std::string_view values) {
  return {.name = std::string(name),
          .label_space = "cityscapes19",
          .labels = labels,
          .label_values = std::string(values)};
}

}  // namespace

std::vector<fs::path> files_of(const fs::path& folder, std::string_view suffix,
                               std::string_view layout) {
  return entries_of(folder, layout, fmt::format("*{} file", suffix), [&](const auto& entry) {
    return entry.path().filename().string().ends_with(suffix);
  });
}

std::vector<fs::path> folders_of(const fs::path& folder, std::string_view layout) {
  return entries_of(folder, layout, "folder",
                    [](const auto& entry) { return entry.is_directory(); });
}

std::vector<FoundPicture> pictures_by_sequence(const fs::path& folder, std::string_view suffix,
                                               std::string_view layout) {
  std::vector<FoundPicture> found;
  for (const auto& sequence : folders_of(folder, layout))
    for (const auto& file : files_of(sequence, suffix, layout))
      found.push_back({file, sequence.filename().string(), stem_before(file, suffix)});
  return found;
}

fs::path existing(const fs::path& path, std::string_view what, std::string_view layout) {
  if (!fs::is_regular_file(path))
    fail<DataError>("{}: this {} is missing; expected: {}", path.string(), what, layout);
  return path;
}

fs::path inside(const fs::path& root, const std::string& name) {
  const fs::path relative = fs::path(name).lexically_normal();
  if (relative.is_absolute() || relative.empty() || *relative.begin() == "..")
    fail<DataError>("{}: the data set names '{}', which is not below it", root.string(), name);
  return root / relative;
}

std::string stem_before(const fs::path& path, std::string_view suffix) {
  std::string name = path.filename().string();
  name.resize(name.size() - suffix.size());
  return name;
}

bool wants_role(const ReaderOptions& options, std::string_view role) {
  return options.roles.empty() || std::ranges::find(options.roles, role) != options.roles.end();
}

void check_roles(const ReaderOptions& options, std::span<const std::string_view> known) {
  for (const std::string& role : options.roles)
    if (std::ranges::find(known, role) == known.end())
      fail<ConfigError>("--split {}: unknown; this data set has: {}", role, joined(known));
}

std::vector<RoleFolder> present_parts(const ReaderOptions& options, std::vector<RoleFolder> parts,
                                      std::string_view layout) {
  std::vector<std::string_view> known;
  for (const RoleFolder& part : parts) known.push_back(part.role);
  check_roles(options, known);
  const fs::path above = parts.front().folder.parent_path();
  std::erase_if(parts, [&](const RoleFolder& part) {
    const bool asked = !options.roles.empty();
    const bool exists = fs::is_directory(part.folder);
    if (wants_role(options, part.role) && asked && !exists)
      fail<DataError>("{}: no such folder; expected: {}", part.folder.string(), layout);
    return !wants_role(options, part.role) || !exists;
  });
  if (parts.empty() && !fs::is_directory(above))
    fail<DataError>("{}: no such folder; expected: {}", above.string(), layout);
  if (parts.empty())
    fail<DataError>("{}: holds none of {}; expected: {}", above.string(), joined(known), layout);
  return parts;
}

std::string time_of_day(const ReaderOptions& options, std::string_view known) {
  return options.time_of_day.empty() ? std::string(known) : options.time_of_day;
}

SourceDataset dataset_of_label_ids(std::string_view name) {
  return empty_dataset(name, label_id_map(), "Cityscapes label ids 0 to 33, and 255");
}

SourceDataset dataset_of_train_ids(std::string_view name) {
  return empty_dataset(name, train_id_map(), "Cityscapes train ids 0 to 18, and 255");
}

bool in_share(std::string_view name, double share) {
  return static_cast<double>(checksum64(name) >> 11) * 0x1.0p-53 < share;
}

std::vector<CsvLine> read_csv(const fs::path& path, std::size_t columns) {
  std::ifstream stream(path);
  std::vector<CsvLine> lines;
  std::size_t number = 0;
  for (std::string text; std::getline(stream, text);) {
    ++number;
    if (!text.empty() && text.back() == '\r') text.pop_back();
    if (text.empty()) continue;
    CsvLine line{number, {}};
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find(',', at), text.size());
      line.values.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    if (columns != 0 && line.values.size() != columns)
      fail<DataError>("{}:{}: {} values, {} expected", path.string(), number, line.values.size(),
                      columns);
    lines.push_back(std::move(line));
  }
  return lines;
}

void add_warning(SourceDataset& dataset, std::size_t count, std::size_t total,
                 std::string_view what, std::string_view first) {
  if (count > 0)
    dataset.warnings.push_back(
        fmt::format("{} of {} {}; the first: {}", count, total, what, first));
}

}  // namespace dusk::sharding
