#include <algorithm>
#include <unordered_set>
#include <utility>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/io/shard.hpp"
#include "io/field.hpp"
#include "io/manifest.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;

Manifest read_manifest(const fs::path& folder) {
  const fs::path path = folder / kManifestName;
  if (!fs::exists(path)) {
    fail<DataError>("{}: no {} there: not a set of shards, or one that was never finished",
                    folder.string(), kManifestName);
  }
  return parse_manifest(read_text(path), path.string());
}

/// Opens a shard that a manifest lists and checks that it is the one that was meant.
ShardReader open_listed(const fs::path& folder, const ShardSummary& listed,
                        const ShardLabels& labels) {
  const fs::path path = folder / listed.file;
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) fail<DataError>("{}: listed in the manifest: {}", path.string(), error.message());
  if (size != listed.size.value) {
    fail<DataError>("{}: {} bytes, the manifest says {} (truncated?)", path.string(), size,
                    listed.size.value);
  }
  ShardReader reader(path);
  if (reader.size() != listed.samples) {
    fail<DataError>("{}: {} samples, the manifest says {}", path.string(), reader.size(),
                    listed.samples);
  }
  if (reader.labels().space != labels.space || reader.labels().classes != labels.classes) {
    fail<DataError>("{}: labels of '{}', the manifest says '{}'", path.string(),
                    reader.labels().space, labels.space);
  }
  return reader;
}

bool holds(const SetReference& reference, Field field) {
  return std::ranges::find(reference.fields, field) != reference.fields.end();
}

/// The fields of a sample with those that it takes from `other`.
SampleInfo merged(const SampleInfo& own, const SampleInfo& other, const SetReference& reference,
                  const fs::path& folder) {
  if (own.height != other.height || own.width != other.width) {
    fail<DataError>("{}: sample '{}' has {}x{} pixels, in {} it has {}x{}", folder.string(),
                    own.name, own.height, own.width, reference.set.string(), other.height,
                    other.width);
  }
  SampleInfo info = own;
  for (const Field field : reference.fields) {
    if (own.has(field)) {
      fail<DataError>("{}: sample '{}' has its own {} and one in {}", folder.string(), own.name,
                      name_of(field), reference.set.string());
    }
    info.*spec_of(field).present = other.has(field);
  }
  return info;
}

}  // namespace

std::string shard_file_name(std::size_t number) {
  return fmt::format("shard-{:05}.h5", number);
}

SetReference refer_to(const ShardSet& other, const fs::path& folder, std::vector<Field> fields) {
  return {.set = fs::proximate(fs::weakly_canonical(other.folder()), fs::weakly_canonical(folder)),
          .identity = other.identity(),
          .fields = std::move(fields)};
}

void publish_manifest(const fs::path& folder, const ShardLabels& labels,
                      std::span<const ShardSummary> shards,
                      const std::optional<SetReference>& reference) {
  std::unordered_set<std::string> names;
  for (const ShardSummary& shard : shards) {
    const ShardReader reader = open_listed(folder, shard, labels);
    for (std::size_t i = 0; i < reader.size(); ++i) {
      if (!names.insert(reader.info(i).name).second) {
        fail<DataError>("{}: two samples of the set are named '{}'", reader.path().string(),
                        reader.info(i).name);
      }
    }
  }
  const Manifest manifest{
      .labels = labels, .shards = {shards.begin(), shards.end()}, .reference = reference};
  publish(folder / kManifestName, std::string_view(format_manifest(manifest)));
}

ShardSetWriter::ShardSetWriter(fs::path folder, ShardSetOptions options, ShardLabels labels)
    : folder_(std::move(folder)), options_(std::move(options)), labels_(std::move(labels)) {
  if (options_.samples_per_shard == 0) fail<ConfigError>("samples per shard must be at least 1");
  if (fs::exists(folder_ / kManifestName)) {
    fail<ConfigError>("{} already holds a set of shards; choose another folder or remove it",
                      folder_.string());
  }
  create_directories(folder_);
}

void ShardSetWriter::add(const SampleData& sample) {
  if (writer_ == nullptr) {
    writer_ = std::make_unique<ShardWriter>(folder_ / shard_file_name(shards_.size()),
                                            options_.shard, labels_);
  }
  writer_->add(sample);
  if (writer_->size() == options_.samples_per_shard) finish_shard();
}

void ShardSetWriter::finish_shard() {
  shards_.push_back(writer_->finish());
  writer_.reset();
}

std::vector<ShardSummary> ShardSetWriter::finish() {
  if (writer_ != nullptr) finish_shard();
  publish_manifest(folder_, labels_, shards_);
  return shards_;
}

ShardLabels read_set_labels(const fs::path& folder) {
  return read_manifest(folder).labels;
}

struct ShardSet::State {
  struct Place {
    const ShardReader& shard;
    std::size_t index;
  };

  [[nodiscard]] std::size_t size() const noexcept { return begin.back(); }

  [[nodiscard]] std::size_t shard_of(std::size_t index) const {
    if (index >= size()) {
      fail<InternalError>("{}: sample {} of {}", folder.string(), index, size());
    }
    const auto after = std::upper_bound(begin.begin(), begin.end(), index);
    return static_cast<std::size_t>(after - begin.begin()) - 1;
  }

  [[nodiscard]] Place place(std::size_t index) const {
    const std::size_t shard = shard_of(index);
    return {readers[shard], index - begin[shard]};
  }

  /// Where a field of a sample that is not the set's own is to be read.
  struct OtherPlace {
    const ShardSet& set;
    std::size_t index;
  };
  [[nodiscard]] std::optional<OtherPlace> other_place(Field field, std::size_t index) const {
    if (!manifest.reference || !holds(*manifest.reference, field)) return std::nullopt;
    return OtherPlace{*other, samples_of_other.at(index)};
  }

  void open_reference(int depth);

  fs::path folder;
  Manifest manifest;
  std::uint64_t identity = 0;
  std::vector<ShardReader> readers;
  std::vector<std::size_t> begin{0};  ///< first sample of each shard, then the size of the set
  // With a reference only:
  std::optional<ShardSet> other;
  std::vector<std::size_t> samples_of_other;  ///< one for each sample here
  std::vector<SampleInfo> merged_infos;       ///< with the fields that come from there
};

/// Finds the sample of each name: those of the other set are in the same order, with others between
/// them.
void ShardSet::State::open_reference(int depth) {
  const SetReference& reference = *manifest.reference;
  const fs::path path = folder / reference.set;
  if (depth >= kDeepestReference) {
    fail<DataError>("{}: more than {} sets refer to each other", folder.string(),
                    kDeepestReference);
  }
  try {
    other = ShardSet::open(path, depth + 1);
  } catch (const DataError& error) {
    fail<DataError>("{}: a part of each sample is in another set, which cannot be read: {}",
                    folder.string(), error.what());
  }
  if (other->identity() != reference.identity) {
    fail<DataError>(
        "{}: a part of each sample is in {}, which is another set than when this one was made: "
        "identity {}, expected {}. Bring it back, or make this set again from what is there now",
        folder.string(), path.string(), to_hex(other->identity()), to_hex(reference.identity));
  }
  std::size_t at = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    const Place own = place(i);
    const SampleInfo& info = own.shard.info(own.index);
    while (at < other->size() && other->info(at).name != info.name) ++at;
    if (at == other->size()) {
      fail<DataError>("{}: sample '{}' is not in {}, or not in its order", folder.string(),
                      info.name, path.string());
    }
    merged_infos.push_back(merged(info, other->info(at), reference, folder));
    samples_of_other.push_back(at++);
  }
}

ShardSet::ShardSet(std::shared_ptr<const State> state) : state_(std::move(state)) {}

ShardSet ShardSet::open(const fs::path& folder) {
  return open(folder, 0);
}

ShardSet ShardSet::open(const fs::path& folder, int depth) {
  auto state = std::make_shared<State>();
  state->folder = folder;
  state->manifest = read_manifest(folder);
  state->identity = identity_of(state->manifest);
  for (const ShardSummary& shard : state->manifest.shards) {
    state->readers.push_back(open_listed(folder, shard, state->manifest.labels));
    state->begin.push_back(state->begin.back() + shard.samples);
  }
  if (state->manifest.reference) state->open_reference(depth);
  return ShardSet(std::move(state));
}

std::size_t ShardSet::size() const noexcept {
  return state_->size();
}

const SampleInfo& ShardSet::info(std::size_t index) const {
  if (state_->manifest.reference && index < state_->merged_infos.size()) {
    return state_->merged_infos[index];
  }
  const State::Place at = state_->place(index);
  return at.shard.info(at.index);
}

const std::string& ShardSet::file_of(std::size_t index) const {
  return state_->manifest.shards[state_->shard_of(index)].file;
}

void ShardSet::read(Field field, std::size_t index, Rect window,
                    std::span<std::uint8_t> out) const {
  if (const auto other = state_->other_place(field, index)) {
    return other->set.read(field, other->index, window, out);
  }
  const State::Place at = state_->place(index);
  at.shard.read(field, at.index, window, out);
}

void ShardSet::read(Field field, std::size_t index, Rect window,
                    std::span<std::uint16_t> out) const {
  if (const auto other = state_->other_place(field, index)) {
    return other->set.read(field, other->index, window, out);
  }
  const State::Place at = state_->place(index);
  at.shard.read(field, at.index, window, out);
}

std::span<const std::uint32_t> ShardSet::class_pixels(std::size_t index) const {
  if (const auto other = state_->other_place(Field::label, index)) {
    return other->set.class_pixels(other->index);
  }
  const State::Place at = state_->place(index);
  return at.shard.class_pixels(at.index);
}

const std::string& ShardSet::label_space() const noexcept {
  return labels().space;
}

const ShardLabels& ShardSet::labels() const noexcept {
  return state_->manifest.labels;
}

const std::vector<ShardSummary>& ShardSet::shards() const noexcept {
  return state_->manifest.shards;
}

const fs::path& ShardSet::folder() const noexcept {
  return state_->folder;
}

std::uint64_t ShardSet::identity() const noexcept {
  return state_->identity;
}

const std::optional<SetReference>& ShardSet::reference() const noexcept {
  return state_->manifest.reference;
}

void ShardSet::verify(std::size_t index) const {
  const State::Place at = state_->place(index);
  at.shard.verify(at.index);
  if (state_->other) state_->other->verify(state_->samples_of_other.at(index));
}

void ShardSet::verify_file(std::size_t shard) const {
  const ShardReader& reader = state_->readers.at(shard);
  const ShardSummary& listed = shards()[shard];
  const ShardSummary found = reader.summary();
  if (found.checksum != listed.checksum) {
    fail<DataError>("{}: damaged: checksum of the file {}, the manifest says {}",
                    reader.path().string(), to_hex(found.checksum), to_hex(listed.checksum));
  }
  if (found.labelled != listed.labelled || found.class_pixels != listed.class_pixels ||
      found.ignored_pixels != listed.ignored_pixels) {
    fail<DataError>("{}: counts of labels are not those in the manifest", reader.path().string());
  }
}

void ShardSet::verify() const {
  for (std::size_t i = 0; i < size(); ++i) verify(i);
  for (std::size_t i = 0; i < shards().size(); ++i) verify_file(i);
}

}  // namespace dusk
