#include "dusk/train/checkpoint_store.hpp"

#include <fmt/core.h>
#include <torch/types.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/io/safetensors.hpp"
#include "dusk/nn/weights.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kFormat = 1;

/// A copy of the whole state in memory, so that training goes on while it is written.
class Snapshot : public StateVisitor {
 public:
  void tensors(std::string_view group, const std::vector<NamedTensor>& tensors) override {
    auto& copies = groups_[std::string(group)];
    for (const NamedTensor& entry : tensors) {
      copies.push_back({entry.name, row_major_on_cpu(entry.tensor.detach()).clone(), false});
    }
  }
  void integer(std::string_view name, std::int64_t& value) override { numbers_[name] = value; }
  void real(std::string_view name, double& value) override { numbers_[name] = value; }

  /// Writes all parts and then the manifest into `folder`.
  void write(const fs::path& folder) const {
    json parts = json::object();
    for (const auto& [group, tensors] : groups_) {
      const std::string file = group + ".safetensors";
      std::vector<TensorRecord> records;
      for (const NamedTensor& entry : tensors) records.push_back(to_record(entry));
      const WrittenFile written = write_safetensors(folder / file, records, {{"format", "pt"}});
      parts[file] = {{"bytes", written.size.value}, {"checksum", to_hex(written.checksum)}};
    }
    const std::string numbers = numbers_.dump(2) + "\n";
    publish(folder / "state.json", std::string_view(numbers));
    parts["state.json"] = {{"bytes", numbers.size()}, {"checksum", to_hex(checksum64(numbers))}};
    const json manifest = {{"format", kFormat}, {"parts", parts}};
    publish(folder / "manifest.json", std::string_view(manifest.dump(2) + "\n"));
  }

 private:
  std::map<std::string, std::vector<NamedTensor>> groups_;
  json numbers_ = json::object();
};

json parse_json(const fs::path& path) {
  try {
    return json::parse(read_text(path));
  } catch (const json::exception& error) {
    fail<StorageError>("{} is damaged: {}", path.string(), error.what());
  }
}

/// Compares the file's tensors with the live ones; what differs is described.
std::vector<std::string> differences(const SafetensorsFile& file,
                                     const std::vector<NamedTensor>& live) {
  std::vector<std::string> result;
  for (const NamedTensor& entry : live) {
    const TensorRecord* record = file.find(entry.name);
    if (record == nullptr) {
      result.push_back(entry.name + " is missing");
    } else if (at::IntArrayRef(record->shape) != entry.tensor.sizes()) {
      result.push_back(fmt::format("{} has another shape", entry.name));
    }
  }
  if (file.tensors().size() > live.size()) result.emplace_back("there are tensors of no use here");
  return result;
}

/// First pass of a load: checks everything and changes nothing.
class Checker : public StateVisitor {
 public:
  explicit Checker(fs::path folder)
      : folder_(std::move(folder)), numbers_(parse_json(folder_ / "state.json")) {}

  void tensors(std::string_view group, const std::vector<NamedTensor>& live) override {
    const SafetensorsFile file(folder_ / fmt::format("{}.safetensors", group));
    for (const std::string& text : differences(file, live)) problems_.push_back(text);
  }
  void integer(std::string_view name, std::int64_t& /*value*/) override { need_number(name); }
  void real(std::string_view name, double& /*value*/) override { need_number(name); }

  void throw_if_different() const {
    if (problems_.empty()) return;
    std::string list;
    for (std::size_t i = 0; i < std::min<std::size_t>(problems_.size(), 8); ++i) {
      list += "\n  " + problems_[i];
    }
    fail<StorageError>("checkpoint {} does not fit this network or method ({} differences):{}",
                       folder_.string(), problems_.size(), list);
  }

 private:
  void need_number(std::string_view name) {
    if (!numbers_.contains(name) || !numbers_[name].is_number()) {
      problems_.push_back(fmt::format("state.json has no number '{}'", name));
    }
  }

  fs::path folder_;
  json numbers_;
  std::vector<std::string> problems_;
};

/// Second pass: copies the values in.
class Loader : public StateVisitor {
 public:
  explicit Loader(fs::path folder)
      : folder_(std::move(folder)), numbers_(parse_json(folder_ / "state.json")) {}

  void tensors(std::string_view group, const std::vector<NamedTensor>& live) override {
    const at::NoGradGuard no_grad;
    const SafetensorsFile file(folder_ / fmt::format("{}.safetensors", group));
    for (const NamedTensor& entry : live) {
      entry.tensor.detach().copy_(to_tensor(*file.find(entry.name)));
    }
  }
  void integer(std::string_view name, std::int64_t& value) override {
    value = numbers_[name].get<std::int64_t>();
  }
  void real(std::string_view name, double& value) override { value = numbers_[name].get<double>(); }

 private:
  fs::path folder_;
  json numbers_;
};

bool is_valid(const fs::path& checkpoint) {
  try {
    verify_checkpoint(checkpoint);
    return true;
  } catch (const Error&) {
    return false;
  }
}

fs::path checkpoint_name(std::int64_t step) {
  return fmt::format("step-{:08d}", step);
}

/// Step of a published checkpoint's folder name; nothing for other entries.
std::optional<std::int64_t> step_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with("step-")) return std::nullopt;
  std::int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + 5, end, step);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return step;
}

/// Newest first.
std::vector<Checkpoint> published(const fs::path& folder) {
  std::vector<Checkpoint> result;
  if (!fs::exists(folder)) return result;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (const auto step = step_of(entry.path())) result.push_back({entry.path(), *step});
  }
  std::ranges::sort(result, std::greater{}, &Checkpoint::step);
  return result;
}

}  // namespace

CheckpointStore::CheckpointStore(fs::path folder, int keep, Log& log)
    : folder_(std::move(folder)), keep_(keep), log_(log) {}

CheckpointStore::~CheckpointStore() {
  try {
    wait();
  } catch (const std::exception& error) {
    log_.error("the last checkpoint was not written: {}", error.what());
  }
}

void CheckpointStore::save(TrainState& state, Method& method) {
  wait();
  auto snapshot = std::make_shared<Snapshot>();
  state.visit(*snapshot, method);
  writing_ =
      std::async(std::launch::async, [this, snapshot, step = state.step, best = state.best_step] {
        const fs::path temporary = folder_ / (checkpoint_name(step).string() + ".partial");
        fs::remove_all(temporary);
        make_directories(temporary);
        snapshot->write(temporary);
        publish_and_prune(temporary, step, best);
      });
}

void CheckpointStore::wait() {
  if (writing_.valid()) writing_.get();
}

void CheckpointStore::publish_and_prune(const fs::path& temporary, std::int64_t step,
                                        std::int64_t best_step) {
  const fs::path final_path = folder_ / checkpoint_name(step);
  if (is_valid(final_path)) {
    fs::remove_all(temporary);  // resumed at this very step: the same bytes are already there
    return;
  }
  fs::remove_all(final_path);  // a damaged one of the same step
  publish_directory(temporary, final_path);
  // Later steps than this one are damaged ones that the resume passed over: they do not count.
  int kept = 0;
  for (const Checkpoint& checkpoint : published(folder_)) {
    if (checkpoint.step > step || ++kept <= keep_ || checkpoint.step == best_step) continue;
    fs::remove_all(checkpoint.path);
  }
}

std::optional<Checkpoint> CheckpointStore::latest_valid() const {
  for (const Checkpoint& checkpoint : published(folder_)) {
    try {
      verify_checkpoint(checkpoint.path);
      return checkpoint;
    } catch (const Error& error) {
      log_.warn("passing over a damaged checkpoint: {}", error.what());
    }
  }
  return std::nullopt;
}

fs::path checkpoint_folder(const fs::path& run) {
  return run / "checkpoints";
}

std::optional<Checkpoint> CheckpointStore::best_valid() const {
  auto newest = latest_valid();
  if (!newest) return std::nullopt;
  const std::int64_t step =
      parse_json(newest->path / "state.json").value("best_step", newest->step);
  Checkpoint best{folder_ / checkpoint_name(step), step};
  return is_valid(best.path) ? std::move(best) : std::move(newest);
}

void verify_checkpoint(const fs::path& checkpoint) try {
  const json manifest = parse_json(checkpoint / "manifest.json");
  if (manifest.at("format").get<int>() != kFormat) {
    fail<StorageError>("{} is of a format that this program does not know", checkpoint.string());
  }
  for (const auto& [file, expected] : manifest.at("parts").items()) {
    const MappedFile part(checkpoint / fs::path(file).filename());
    if (part.bytes().size() != expected.at("bytes").get<std::size_t>()) {
      fail<StorageError>("{} has {} bytes instead of {}", part.path().string(), part.bytes().size(),
                         expected.at("bytes").get<std::size_t>());
    }
    if (to_hex(checksum64(part.bytes())) != expected.at("checksum").get<std::string>()) {
      fail<StorageError>("{} does not have the checksum of its manifest", part.path().string());
    }
  }
} catch (const json::exception& error) {
  fail<StorageError>("the manifest of {} is damaged: {}", checkpoint.string(), error.what());
}

void load_checkpoint(const fs::path& checkpoint, TrainState& state, Method& method) {
  Checker checker(checkpoint);
  state.visit(checker, method);
  checker.throw_if_different();
  Loader loader(checkpoint);
  state.visit(loader, method);
}

}  // namespace dusk
