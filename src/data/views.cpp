#include "dusk/data/views.hpp"

#include <cstdlib>
#include <optional>
#include <unordered_map>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

/// The samples of a data set by name.
class Names {
 public:
  explicit Names(const Dataset& dataset) : dataset_(dataset) {
    numbers_.reserve(dataset.size());
    for (std::uint64_t i = 0; i < dataset.size(); ++i) numbers_.emplace(dataset.info(i).name, i);
  }

  [[nodiscard]] std::optional<std::uint64_t> find(const std::string& name) const {
    const auto found = numbers_.find(name);
    if (name.empty() || found == numbers_.end()) return std::nullopt;
    return found->second;
  }

  /// `offset` frames on in the video.
  [[nodiscard]] std::optional<std::uint64_t> neighbour(const SampleInfo& sample, int offset) const {
    std::optional<std::uint64_t> at;
    const SampleInfo* from = &sample;
    for (int i = 0; i < std::abs(offset); ++i) {
      at = find(offset < 0 ? from->previous : from->next);
      if (!at) return std::nullopt;
      from = &dataset_.info(*at);
    }
    return at;
  }

 private:
  const Dataset& dataset_;
  std::unordered_map<std::string_view, std::uint64_t> numbers_;
};

/// A view in the making.
struct Wanted {
  std::string name;
  int frame = 0;  // 0: the pair
  std::vector<std::uint64_t> partners{};
};

std::vector<Wanted> wanted_views(const ViewOptions& options) {
  std::vector<Wanted> wanted;
  if (options.pair) wanted.push_back({.name = "reference"});
  for (const int offset : options.frames)
    if (offset != 0) wanted.push_back({.name = fmt::format("frame{:+}", offset), .frame = offset});
  return wanted;
}

}  // namespace

ViewedDataset with_views(const Dataset& dataset, const ViewOptions& options) {
  std::vector<Wanted> wanted = wanted_views(options);
  if (wanted.empty()) return {.dataset = dataset, .views = {}};
  const Dataset all = dataset.unfiltered();
  const Names names(all);
  std::vector<std::uint64_t> complete;
  std::vector<std::uint64_t> found(wanted.size());
  for (std::uint64_t i = 0; i < dataset.size(); ++i) {
    const SampleInfo& info = dataset.info(i);
    bool lacks_one = false;
    for (std::size_t v = 0; v < wanted.size() && !lacks_one; ++v) {
      const auto partner =
          wanted[v].frame == 0 ? names.find(info.pair) : names.neighbour(info, wanted[v].frame);
      lacks_one = !partner;
      if (partner) found[v] = *partner;
    }
    if (lacks_one) continue;
    complete.push_back(i);
    for (std::size_t v = 0; v < wanted.size(); ++v) wanted[v].partners.push_back(found[v]);
  }
  if (complete.empty())
    fail<DataError>(
        "data set '{}': pairs or frames are asked for, and none of {} samples has all of them",
        dataset.name(), dataset.size());
  ViewedDataset result{.dataset = dataset.subset(complete),
                       .views = {},
                       .left_out = dataset.size() - complete.size()};
  for (Wanted& view : wanted)
    result.views.push_back(
        {.name = std::move(view.name),
         .dataset = all,
         .partners = std::make_shared<const std::vector<std::uint64_t>>(std::move(view.partners)),
         .own_geometry = view.frame == 0 && options.pair_geometry == ViewGeometry::own});
  return result;
}

}  // namespace dusk
