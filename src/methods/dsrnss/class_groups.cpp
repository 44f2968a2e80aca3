#include "methods/dsrnss/class_groups.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kRelations = {{
    {"traffic light", "pole"},
    {"traffic sign", "pole"},
    {"pole", "traffic light"},
    {"pole", "traffic sign"},
    {"rider", "bicycle"},
    {"rider", "motorcycle"},
}};

std::optional<std::int64_t> label_of(std::string_view name, const LabelSpace& space) {
  const auto at = std::find_if(space.classes.begin(), space.classes.end(),
                               [&](const ClassInfo& info) { return info.name == name; });
  if (at == space.classes.end()) return std::nullopt;
  return at - space.classes.begin();
}

std::vector<std::int64_t> labels_of(std::string_view group, const std::vector<std::string>& names,
                                    const LabelSpace& space) {
  std::vector<std::int64_t> labels;
  for (const std::string& name : names) {
    const auto label = label_of(name, space);
    if (label) {
      labels.push_back(*label);
      continue;
    }
    std::string known;
    for (const ClassInfo& info : space.classes) known += (known.empty() ? "" : ", ") + info.name;
    fail<ConfigError>(
        "method dsrnss: class '{}' in '{}' is not in the label space {}, which has {}", name, group,
        space.name, known);
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

}  // namespace

ClassGroups class_groups(const ClassGroupNames& names, const LabelSpace& space) {
  ClassGroups groups{.large_static = labels_of("large_static", names.large_static, space),
                     .small = labels_of("small", names.small, space),
                     .dynamic = labels_of("dynamic", names.dynamic, space),
                     .long_tail = labels_of("long_tail", names.long_tail, space),
                     .distance = labels_of("distance", names.distance, space),
                     .relations = {}};
  for (const auto& [drawn, added] : kRelations) {
    const auto from = label_of(drawn, space);
    const auto to = label_of(added, space);
    if (from && to) groups.relations.emplace_back(*from, *to);
  }
  return groups;
}

}  // namespace dusk
