#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/base/activity.hpp"
#include "dusk/io/shard.hpp"

namespace dusk {

/// Where samples come from: shards in a run, pictures in memory in a test. Safe from any number of
/// threads at once.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  [[nodiscard]] virtual const SampleInfo& info(std::uint64_t index) const = 0;
  [[nodiscard]] virtual const std::string& label_space() const = 0;
  /// Pixels of each class in the label of a sample, zeros without one; empty where nobody counted.
  [[nodiscard]] virtual std::span<const std::uint32_t> class_pixels(std::uint64_t /*index*/) const {
    return {};
  }
  /// Samples that are stored together (shards), as numbers of samples in order.
  [[nodiscard]] virtual std::vector<std::uint64_t> parts() const { return {size()}; }
  /// A window of a field, packed. Damage is a `DataError`.
  virtual void read(Field field, std::uint64_t index, Rect window,
                    std::span<std::uint8_t> out) const = 0;
};

/// Chooses samples by what is known of them; an empty list lets all pass.
struct SampleFilter {
  std::vector<std::string> roles{};         ///< for example {"train"}
  std::vector<std::string> times_of_day{};  ///< for example {"dusk", "night"}
  std::vector<std::string> sequences{};
  /// A file that `read_sample_list` reads: the samples that it chooses.
  std::filesystem::path list{};

  [[nodiscard]] bool is_empty() const;
  /// Whether the lists above let it pass; `list` is another matter.
  [[nodiscard]] bool accepts(const SampleInfo& info) const;
};

template <class Visitor>
void describe(Visitor& v, SampleFilter& o) {
  v.field("roles", o.roles, "take samples of these roles (train, val, test) only; empty: all");
  v.field("times_of_day", o.times_of_day,
          "take samples of these times (day, twilight, dusk, night) only; empty: all");
  v.field("sequences", o.sequences, "take samples of these sequences only; empty: all");
  v.field("list", o.list,
          "take the samples only that this list chooses: made by dusk select, or a name a line");
}

/// The samples of a source that a filter lets pass, in the source's order. A cheap value; copies
/// share the source.
class Dataset {
 public:
  /// Without a filter nothing is stored or read per sample. `name` is for messages. `DataError`
  /// where no sample passes, saying what the source has, and where the filter's list chooses a
  /// sample that the source lacks.
  Dataset(std::string name, std::shared_ptr<const SampleSource> source,
          const SampleFilter& filter = {});

  /// Shards on disk; the path is the name. What is being read is noted on `activity`, which
  /// outlives the data set.
  [[nodiscard]] static Dataset open(const std::filesystem::path& shards,
                                    const SampleFilter& filter = {},
                                    ActivityBoard* activity = nullptr);
  /// The same of shards that are open.
  [[nodiscard]] static Dataset of(ShardSet shards, const SampleFilter& filter = {},
                                  ActivityBoard* activity = nullptr);

  /// The samples of all `parts` (at least one), one part behind the other, as one data set. Names
  /// may occur twice. `DataError` where their labels mean different things.
  [[nodiscard]] static Dataset joined(std::vector<Dataset> parts);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] const SampleInfo& info(std::uint64_t index) const;
  [[nodiscard]] const std::string& label_space() const { return source_->label_space(); }
  [[nodiscard]] std::span<const std::uint32_t> class_pixels(std::uint64_t index) const;
  /// Samples that are stored together, as numbers of samples in order; a part may be empty.
  [[nodiscard]] std::vector<std::uint64_t> parts() const;

  /// All samples of the source, whatever the filter.
  [[nodiscard]] Dataset unfiltered() const;
  /// The samples with these indices, which rise. `InternalError` for one that is not there.
  [[nodiscard]] Dataset subset(std::span<const std::uint64_t> indices) const;

  void read(Field field, std::uint64_t index, Rect window, std::span<std::uint8_t> out) const;

 private:
  using Chosen = std::shared_ptr<const std::vector<std::uint64_t>>;
  Dataset(std::string name, std::shared_ptr<const SampleSource> source, Chosen chosen)
      : name_(std::move(name)), source_(std::move(source)), chosen_(std::move(chosen)) {}
  [[nodiscard]] std::uint64_t source_index(std::uint64_t index) const;

  std::string name_;
  std::shared_ptr<const SampleSource> source_;
  Chosen chosen_;  // null: all
};

}  // namespace dusk
