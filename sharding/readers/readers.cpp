#include "sharding/readers/readers.hpp"

#include <algorithm>

#include "dusk/base/error.hpp"

namespace dusk::sharding {
namespace {

constexpr std::array<DatasetReader, 2> kReaders{{
    {"camvid", "CamVid in its 11-class form, four sequences, one of them at dusk", &list_camvid},
    {"cityscapes", "Cityscapes with fine annotations, 19 classes", &list_cityscapes},
}};

template <class Range, class Name>
std::string joined(const Range& items, Name&& name) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) text += ", ";
    text += name(item);
  }
  return text;
}

}  // namespace

std::span<const DatasetReader> dataset_readers() {
  return kReaders;
}

const DatasetReader& dataset_reader(std::string_view name) {
  const auto found = std::ranges::find(kReaders, name, &DatasetReader::name);
  if (found == kReaders.end())
    fail<ConfigError>(
        "--dataset {}: unknown; there are: {}", name,
        joined(kReaders, [](const auto& reader) { return std::string(reader.name); }));
  return *found;
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder,
                                            std::string_view suffix, std::string_view layout) {
  if (!std::filesystem::is_directory(folder))
    fail<DataError>("{}: no such folder; expected: {}", folder.string(), layout);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().filename().string().ends_with(suffix)) files.push_back(entry.path());
  if (files.empty())
    fail<DataError>("{}: holds no *{} file; expected: {}", folder.string(), suffix, layout);
  std::ranges::sort(files);
  return files;
}

bool wants_role(const ReaderOptions& options, std::string_view role) {
  return options.roles.empty() || std::ranges::find(options.roles, role) != options.roles.end();
}

void check_roles(const ReaderOptions& options, std::span<const std::string_view> known) {
  for (const std::string& role : options.roles)
    if (std::ranges::find(known, role) == known.end())
      fail<ConfigError>("--split {}: unknown; this data set has: {}", role,
                        joined(known, [](std::string_view text) { return std::string(text); }));
}

}  // namespace dusk::sharding
