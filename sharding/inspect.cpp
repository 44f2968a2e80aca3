#include "sharding/inspect.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <numeric>
#include <set>

#include "dusk/base/error.hpp"
#include "dusk/data/label_space.hpp"
#include "sharding/parallel.hpp"
#include "sharding/pictures.hpp"

namespace dusk::sharding {
namespace {

using Color = std::array<std::uint8_t, 3>;

std::vector<Color> colors_of(const ShardLabels& labels) {
  std::vector<Color> colors;
  try {
    for (const ClassInfo& info : label_space(labels.space).classes) colors.push_back(info.color);
  } catch (const ConfigError&) {  // a space of somebody else
  }
  for (std::size_t i = colors.size(); i < labels.classes.size(); ++i)
    colors.push_back({static_cast<std::uint8_t>(i * 67 + 40),
                      static_cast<std::uint8_t>(i * 151 + 80),
                      static_cast<std::uint8_t>(i * 199 + 120)});
  return colors;
}

/// Of a sample's label: all pixels that no class has. The labels may be another set's, whose
/// counts the manifest does not have.
std::uint64_t ignored_pixels(const ShardSet& set, std::size_t index) {
  const SampleInfo& info = set.info(index);
  if (!info.has_label) return 0;
  const auto counts = set.class_pixels(index);
  const auto labelled = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  return static_cast<std::uint64_t>(info.height) * static_cast<std::uint64_t>(info.width) -
         labelled;
}

std::string describe_classes(const ShardSet& set) {
  std::vector<std::uint64_t> pixels(set.labels().classes.size());
  std::vector<std::size_t> samples(pixels.size());
  std::uint64_t ignored = 0, total = 0;
  for (std::size_t i = 0; i < set.size(); ++i) {
    ignored += ignored_pixels(set, i);
    const auto counts = set.class_pixels(i);
    for (std::size_t k = 0; k < pixels.size(); ++k) {
      pixels[k] += counts[k], total += counts[k];
      samples[k] += counts[k] > 0 ? 1U : 0U;
    }
  }
  if (total + ignored == 0) return "  no labels\n";
  const auto share = [](std::uint64_t part, std::uint64_t whole) {
    return 100 * static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(whole, 1));
  };
  std::string text =
      fmt::format("  classes of {} (share of labelled pixels; {:.2f} % are ignored)\n",
                  set.label_space(), share(ignored, total + ignored));
  for (std::size_t i = 0; i < pixels.size(); ++i)
    text += fmt::format("    {:>3} {:<16} {:>7.3f} %  in {} samples\n", i, set.labels().classes[i],
                        share(pixels[i], total), samples[i]);
  return text;
}

/// What a sample may have beside its picture.
struct Extra {
  std::string_view name;
  bool (*is_there)(const SampleInfo&);
};
constexpr std::array kExtras{
    Extra{"label", [](const SampleInfo& info) { return info.has_label; }},
    Extra{"depth", [](const SampleInfo& info) { return info.has_depth; }},
    Extra{"confidence", [](const SampleInfo& info) { return info.has_confidence; }},
    Extra{"camera", [](const SampleInfo& info) { return info.camera.is_known(); }},
    Extra{"pair", [](const SampleInfo& info) { return !info.pair.empty(); }},
    Extra{"neighbours",
          [](const SampleInfo& info) { return !info.previous.empty() && !info.next.empty(); }}};

/// "  with label (12), camera (3)": how many samples have it.
std::string describe_extras(const ShardSet& set) {
  std::string text;
  for (const Extra& extra : kExtras) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < set.size(); ++i) count += extra.is_there(set.info(i)) ? 1U : 0U;
    if (count == 0) continue;
    text += fmt::format("{}{} ({})", text.empty() ? "  with " : ", ", extra.name, count);
  }
  return text.empty() ? text : text + "\n";
}

std::size_t decoded_bytes(const SampleInfo& info) {
  std::size_t bytes = 0;
  for (const Field field : kFields)
    if (info.has(field))
      bytes += static_cast<std::size_t>(channels_of(field)) * value_bytes_of(field);
  return bytes * static_cast<std::size_t>(info.height) * static_cast<std::size_t>(info.width);
}

}  // namespace

std::vector<std::filesystem::path> find_sets(const std::filesystem::path& folder) {
  const auto is_set = [](const std::filesystem::path& path) {
    return std::filesystem::is_regular_file(path / "manifest.json");
  };
  if (is_set(folder)) return {folder};
  std::vector<std::filesystem::path> sets;
  if (std::filesystem::is_directory(folder))
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (is_set(entry.path())) sets.push_back(entry.path());
  if (sets.empty())
    fail<DataError>("{}: no set of shards here (a folder with a manifest.json) nor one level below",
                    folder.string());
  std::ranges::sort(sets);
  return sets;
}

std::string describe_set(const ShardSet& set) {
  std::map<std::pair<std::string, std::string>, std::pair<std::size_t, std::size_t>> groups;
  std::map<std::pair<int, int>, std::size_t> sizes;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const SampleInfo& info = set.info(i);
    auto& [count, labelled] = groups[{info.role, info.time_of_day}];
    ++count, labelled += info.has_label ? 1 : 0;
    ++sizes[{info.height, info.width}];
  }
  std::size_t bytes = 0;
  for (const ShardSummary& shard : set.shards()) bytes += shard.size.value;
  std::string text = fmt::format("{}\n  {} samples in {} shards, {}\n", set.folder().string(),
                                 set.size(), set.shards().size(), to_string(Bytes{bytes}));
  for (const auto& [key, counts] : groups)
    text += fmt::format("    {:<8} {:<9} {:>7} samples, {} labelled\n", key.first,
                        key.second.empty() ? "-" : key.second, counts.first, counts.second);
  text += "  sizes";
  constexpr std::size_t kShown = 6;
  std::size_t shown = 0;
  for (const auto& [size, count] : sizes) {
    if (shown++ == kShown) break;
    text += fmt::format("{} {}x{} ({})", shown > 1 ? "," : "", size.first, size.second, count);
  }
  if (sizes.size() > kShown) text += fmt::format(" and {} more", sizes.size() - kShown);
  return text + "\n" + describe_extras(set) + describe_classes(set);
}

VerifyResult verify_set(const ShardSet& set, int threads,
                        const std::function<void(std::size_t)>& progress) {
  // A file is compared as a whole just after its samples, while it is in memory.
  struct Job {
    bool is_file;
    std::size_t number;  ///< of the shard or of the sample
  };
  std::vector<Job> jobs;
  for (std::size_t shard = 0, sample = 0; shard < set.shards().size(); ++shard) {
    for (std::size_t k = 0; k < set.shards()[shard].samples; ++k) jobs.push_back({false, sample++});
    jobs.push_back({true, shard});
  }
  VerifyResult result;
  std::set<std::string> damage;  // what keeps a file from opening, each of its samples says
  std::mutex lock;
  parallel_for(jobs.size(), threads, [&](std::size_t i) {
    const Job& job = jobs[i];
    std::string message;
    try {
      job.is_file ? set.verify_file(job.number) : set.verify(job.number);
    } catch (const DataError& error) {
      message = error.what();
    }
    const std::lock_guard guard(lock);
    if (!message.empty()) damage.insert(std::move(message));
    if (job.is_file) return;
    result.samples += 1, result.decoded.value += decoded_bytes(set.info(job.number));
    if (progress) progress(1);
  });
  result.damage.assign(damage.begin(), damage.end());
  return result;
}

void write_overlay(const ShardSet& set, std::size_t index, const std::filesystem::path& path) {
  const SampleInfo& info = set.info(index);
  const auto width = static_cast<std::size_t>(info.width);
  const auto pixels = static_cast<std::size_t>(info.height) * width;
  std::vector<std::uint8_t> image(pixels * 3);
  set.read(Field::image, index, whole(info), image);
  if (!info.has_label) return write_png(path, info.height, info.width, 3, image);
  std::vector<std::uint8_t> label(pixels);
  set.read(Field::label, index, whole(info), label);
  const std::vector<Color> colors = colors_of(set.labels());
  std::vector<std::uint8_t> both(pixels * 6);
  for (std::size_t i = 0; i < pixels; ++i) {
    const std::size_t left = (i / width * 2 * width + i % width) * 3, right = left + width * 3;
    for (std::size_t k = 0; k < 3; ++k) {
      const std::uint8_t value = image[i * 3 + k];
      both[left + k] = value;
      both[right + k] = label[i] < colors.size()
                            ? static_cast<std::uint8_t>((value + 2 * colors[label[i]][k]) / 3)
                            : value;
    }
  }
  write_png(path, info.height, 2 * info.width, 3, both);
}

std::size_t find_sample(const ShardSet& set, const std::string& name_or_number) {
  for (std::size_t i = 0; i < set.size(); ++i)
    if (set.info(i).name == name_or_number) return i;
  std::size_t number = 0;
  const char* const end = name_or_number.data() + name_or_number.size();
  const auto parsed = std::from_chars(name_or_number.data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end && number < set.size()) return number;
  fail<ConfigError>("{}: no sample {}; there are 0 to {}, the first is {}", set.folder().string(),
                    name_or_number, set.size() - 1, set.info(0).name);
}

}  // namespace dusk::sharding
