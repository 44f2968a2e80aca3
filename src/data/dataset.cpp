#include "dusk/data/dataset.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

#include "dusk/base/error.hpp"
#include "dusk/io/sample_list.hpp"

namespace dusk {
namespace {

class ShardSource final : public SampleSource {
 public:
  ShardSource(ShardSet shards, ActivityBoard* activity)
      : shards_(std::move(shards)), activity_(activity) {}

  std::uint64_t size() const override { return shards_.size(); }
  const SampleInfo& info(std::uint64_t index) const override { return shards_.info(index); }
  const std::string& label_space() const override { return shards_.label_space(); }
  void read(Field field, std::uint64_t index, Rect window,
            std::span<std::uint8_t> out) const override {
    const ReadingScope note(activity_, shards_.file_of(index), shards_.info(index).name);
    shards_.read(field, index, window, out);
  }
  std::span<const std::uint32_t> class_pixels(std::uint64_t index) const override {
    return shards_.class_pixels(index);
  }
  std::vector<std::uint64_t> parts() const override {
    std::vector<std::uint64_t> samples;
    for (const ShardSummary& shard : shards_.shards()) samples.push_back(shard.samples);
    return samples;
  }

 private:
  ShardSet shards_;
  ActivityBoard* activity_;
};

/// Data sets one behind the other.
class JoinedSource final : public SampleSource {
 public:
  explicit JoinedSource(std::vector<Dataset> sets) : sets_(std::move(sets)) {
    for (const Dataset& set : sets_) ends_.push_back(size() + set.size());
  }

  std::uint64_t size() const override { return ends_.empty() ? 0 : ends_.back(); }
  const SampleInfo& info(std::uint64_t index) const override {
    const auto [set, own] = place(index);
    return set->info(own);
  }
  const std::string& label_space() const override { return sets_.front().label_space(); }
  void read(Field field, std::uint64_t index, Rect window,
            std::span<std::uint8_t> out) const override {
    const auto [set, own] = place(index);
    set->read(field, own, window, out);
  }
  std::span<const std::uint32_t> class_pixels(std::uint64_t index) const override {
    const auto [set, own] = place(index);
    return set->class_pixels(own);
  }
  std::vector<std::uint64_t> parts() const override {
    std::vector<std::uint64_t> samples;
    for (const Dataset& set : sets_) {
      for (const std::uint64_t part : set.parts()) samples.push_back(part);
    }
    return samples;
  }

 private:
  /// The set that `index` falls into, and the index there.
  [[nodiscard]] std::pair<const Dataset*, std::uint64_t> place(std::uint64_t index) const {
    const auto end = std::upper_bound(ends_.begin(), ends_.end(), index);
    const auto set = static_cast<std::size_t>(end - ends_.begin());
    return {&sets_[set], set == 0 ? index : index - ends_[set - 1]};
  }

  std::vector<Dataset> sets_;
  std::vector<std::uint64_t> ends_;
};

bool passes(const std::vector<std::string>& allowed, const std::string& value) {
  return allowed.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end();
}

std::string describe_source(const SampleSource& source) {
  std::set<std::string> roles, times, sequences;
  for (std::uint64_t i = 0; i < source.size(); ++i) {
    const SampleInfo& info = source.info(i);
    roles.insert(info.role);
    times.insert(info.time_of_day);
    sequences.insert(info.sequence);
  }
  return fmt::format("{} samples, roles {}, times of day {}, sequences {}", source.size(), roles,
                     times, sequences);
}

/// The samples that a list chooses, by name.
class ChosenNames {
 public:
  explicit ChosenNames(const std::filesystem::path& list) : list_(list) {
    if (list.empty()) return;
    for (std::string& name : chosen_names(read_sample_list(list))) names_.insert(std::move(name));
  }

  /// True also where there is no list.
  [[nodiscard]] bool accept(const std::string& name) {
    if (list_.empty()) return true;
    if (!names_.contains(name)) return false;
    ++found_;
    return true;
  }

  /// After all samples of a source were asked for.
  void check_found(const std::string& source_name, const SampleSource& source) const {
    if (found_ == names_.size()) return;
    std::set<std::string> missing(names_.begin(), names_.end());
    for (std::uint64_t i = 0; i < source.size(); ++i) missing.erase(source.info(i).name);
    fail<DataError>("{}: {} of the {} samples that it chooses are not in {}, the first is '{}'",
                    list_.string(), missing.size(), names_.size(), source_name,
                    missing.empty() ? "" : *missing.begin());
  }

 private:
  std::filesystem::path list_;
  std::unordered_set<std::string> names_;
  std::size_t found_ = 0;
};

}  // namespace

bool SampleFilter::is_empty() const {
  return roles.empty() && times_of_day.empty() && sequences.empty() && list.empty();
}

bool SampleFilter::accepts(const SampleInfo& info) const {
  return passes(roles, info.role) && passes(times_of_day, info.time_of_day) &&
         passes(sequences, info.sequence);
}

Dataset::Dataset(std::string name, std::shared_ptr<const SampleSource> source,
                 const SampleFilter& filter)
    : name_(std::move(name)), source_(std::move(source)) {
  if (!filter.is_empty()) {
    ChosenNames names(filter.list);
    std::vector<std::uint64_t> chosen;
    for (std::uint64_t i = 0; i < source_->size(); ++i)
      if (names.accept(source_->info(i).name) && filter.accepts(source_->info(i)))
        chosen.push_back(i);
    names.check_found(name_, *source_);
    chosen_ = std::make_shared<const std::vector<std::uint64_t>>(std::move(chosen));
  }
  if (size() == 0)
    fail<DataError>(
        "data set '{}': no sample has a role of {}, a time of day of {} and a sequence of {} "
        "(an empty list allows all); it has {}",
        name_, filter.roles, filter.times_of_day, filter.sequences, describe_source(*source_));
}

Dataset Dataset::open(const std::filesystem::path& shards, const SampleFilter& filter,
                      ActivityBoard* activity) {
  return of(ShardSet::open(shards), filter, activity);
}

Dataset Dataset::of(ShardSet shards, const SampleFilter& filter, ActivityBoard* activity) {
  const std::string name = shards.folder().string();
  return {name, std::make_shared<ShardSource>(std::move(shards), activity), filter};
}

Dataset Dataset::joined(std::vector<Dataset> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  std::string name;
  for (const Dataset& part : parts) {
    name += (name.empty() ? "" : " + ") + part.name();
    if (part.label_space() == parts.front().label_space()) continue;
    fail<DataError>("{} has labels of '{}' and {} of '{}': they cannot be one data set",
                    parts.front().name(), parts.front().label_space(), part.name(),
                    part.label_space());
  }
  return {std::move(name), std::make_shared<JoinedSource>(std::move(parts))};
}

std::span<const std::uint32_t> Dataset::class_pixels(std::uint64_t index) const {
  return source_->class_pixels(source_index(index));
}

std::vector<std::uint64_t> Dataset::parts() const {
  std::vector<std::uint64_t> parts = source_->parts();
  if (!chosen_) return parts;
  auto next = chosen_->begin();
  std::uint64_t end = 0;
  for (std::uint64_t& samples : parts) {
    end += samples;
    const auto first = next;
    next = std::lower_bound(first, chosen_->end(), end);
    samples = static_cast<std::uint64_t>(next - first);
  }
  return parts;
}

Dataset Dataset::unfiltered() const {
  return {name_, source_, Chosen()};
}

Dataset Dataset::subset(std::span<const std::uint64_t> indices) const {
  std::vector<std::uint64_t> chosen;
  for (const std::uint64_t index : indices) {
    if (index >= size()) fail<InternalError>("{}: sample {} of {}", name_, index, size());
    chosen.push_back(source_index(index));
  }
  return {name_, source_, std::make_shared<const std::vector<std::uint64_t>>(std::move(chosen))};
}

std::uint64_t Dataset::size() const {
  return chosen_ ? chosen_->size() : source_->size();
}

const SampleInfo& Dataset::info(std::uint64_t index) const {
  return source_->info(source_index(index));
}

void Dataset::read(Field field, std::uint64_t index, Rect window,
                   std::span<std::uint8_t> out) const {
  source_->read(field, source_index(index), window, out);
}

std::uint64_t Dataset::source_index(std::uint64_t index) const {
  return chosen_ ? chosen_->at(index) : index;
}

}  // namespace dusk
