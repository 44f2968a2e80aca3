#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "dusk/base/clock.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/base/random.hpp"
#include "dusk/device/device.hpp"
#include "dusk/io/shard.hpp"
#include "launch/commands.hpp"

namespace dusk::launch {
namespace {

namespace fs = std::filesystem;

struct ShardBench {
  fs::path folder;
  int threads = 16;
  double seconds = 60;
  int samples = 100'000;
  int shards = 200;
  bool json = false;
};

/// A picture that was written, kept to be compared with what is read.
struct Original {
  SampleInfo info;
  std::vector<std::uint8_t> image, label;

  [[nodiscard]] std::span<const std::uint8_t> field(Field which) const {
    return which == Field::image ? image : label;
  }
};

/// Noise of 4 levels in blocks, which zstd neither stores as it is nor shrinks to nothing.
std::vector<std::uint8_t> noise(int height, int width, int channels, int levels, Random& random) {
  std::vector<std::uint8_t> values(static_cast<std::size_t>(height) *
                                   static_cast<std::size_t>(width) *
                                   static_cast<std::size_t>(channels));
  std::uint8_t value = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 3 == 0) value = static_cast<std::uint8_t>(random.integer(0, levels - 1));
    values[i] = value;
  }
  return values;
}

Original make_original(int number, int height, int width) {
  Random random(3, {static_cast<std::uint64_t>(number)});
  Original made;
  made.info.name = fmt::format("sample-{:06}", number);
  made.info.height = height;
  made.info.width = width;
  made.info.has_label = true;
  made.info.role = "train";
  made.image = noise(height, width, 3, 200, random);
  made.label = noise(height, width, 1, 11, random);
  return made;
}

ShardLabels labels() {
  return {.space = "camvid11", .classes = std::vector<std::string>(11, "class")};
}

void add(ShardSetWriter& writer, const Original& original) {
  writer.add({.info = original.info, .image = original.image, .label = original.label});
}

/// Pictures of many sizes in seven shards, and their set.
std::vector<Original> write_originals(const fs::path& folder) {
  std::vector<Original> originals;
  ShardSetWriter writer(folder, {.shard = {.tile = 64}, .samples_per_shard = 9}, labels());
  for (int i = 0; i < 60; ++i) {
    originals.push_back(make_original(i, 100 + 37 * (i % 5), 150 + 61 * (i % 4)));
    add(writer, originals.back());
  }
  writer.finish();
  return originals;
}

std::uint64_t checksum_of_window(const Original& original, Field field, Rect window,
                                 std::vector<std::uint8_t>& cut) {
  const std::size_t pixel = field == Field::image ? 3 : 1;
  const std::size_t bytes = static_cast<std::size_t>(window.width) * pixel;
  cut.clear();
  for (int y = window.y; y < window.y + window.height; ++y) {
    const std::size_t first =
        (static_cast<std::size_t>(y) * static_cast<std::size_t>(original.info.width) +
         static_cast<std::size_t>(window.x)) *
        pixel;
    const auto row = original.field(field).subspan(first, bytes);
    cut.insert(cut.end(), row.begin(), row.end());
  }
  return checksum64(std::as_bytes(std::span(cut)));
}

/// Random windows of random samples until the time is over, compared by checksum.
nlohmann::json read_at_random(const ShardBench& options) {
  const fs::path folder = options.folder / "torture";
  fs::remove_all(folder);
  const std::vector<Original> originals = write_originals(folder);
  const ShardSet set = ShardSet::open(folder);
  std::atomic<std::uint64_t> reads = 0, differences = 0, bytes = 0;
  const Stopwatch watch;
  const auto work = [&](std::uint64_t thread) {
    Random random(7, {thread});
    std::vector<std::uint8_t> window_of_shard, window_of_original;
    while (watch.seconds() < options.seconds) {
      const auto i =
          static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(set.size()) - 1));
      const SampleInfo& info = set.info(i);
      const Field field = random.chance(0.5) ? Field::image : Field::label;
      Rect window;
      window.height = static_cast<int>(random.integer(1, info.height));
      window.width = static_cast<int>(random.integer(1, info.width));
      window.y = static_cast<int>(random.integer(0, info.height - window.height));
      window.x = static_cast<int>(random.integer(0, info.width - window.width));
      window_of_shard.assign(static_cast<std::size_t>(window.height) *
                                 static_cast<std::size_t>(window.width) *
                                 static_cast<std::size_t>(channels_of(field)),
                             0);
      set.read(field, i, window, window_of_shard);
      const std::uint64_t expected =
          checksum_of_window(originals[i], field, window, window_of_original);
      if (checksum64(std::as_bytes(std::span(window_of_shard))) != expected) ++differences;
      bytes += window_of_shard.size();
      ++reads;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < options.threads; ++t)
      threads.emplace_back(work, static_cast<std::uint64_t>(t));
  }
  return {{"threads", options.threads},
          {"seconds", watch.seconds()},
          {"reads", reads.load()},
          {"bytes", bytes.load()},
          {"differences", differences.load()}};
}

/// A set of many tiny pictures, made once.
fs::path many_samples(const ShardBench& options) {
  const fs::path folder =
      options.folder / fmt::format("samples-{}-{}", options.samples, options.shards);
  if (fs::exists(folder / "manifest.json")) return folder;
  fs::remove_all(folder);
  const auto per_shard =
      static_cast<std::size_t>((options.samples + options.shards - 1) / options.shards);
  ShardSetWriter writer(folder, {.shard = {.tile = 32, .level = 1}, .samples_per_shard = per_shard},
                        labels());
  for (int i = 0; i < options.samples; ++i) add(writer, make_original(i, 32, 32));
  writer.finish();
  return folder;
}

nlohmann::json open_set(const ShardBench& options) {
  const fs::path folder = many_samples(options);
  const std::size_t before = Device::cpu().memory().allocated.value;
  const Stopwatch watch;
  const ShardSet set = ShardSet::open(folder);
  const double seconds = watch.seconds();
  const std::size_t after = Device::cpu().memory().allocated.value;
  return {{"folder", folder.string()},
          {"samples", set.size()},
          {"shards", set.shards().size()},
          {"seconds", seconds},
          {"memory_bytes", after - std::min(after, before)}};
}

void print(const nlohmann::json& result, bool json) {
  if (json) {
    std::cout << result.dump() << std::endl;
    return;
  }
  for (const auto& [name, value] : result.items()) std::cout << name << ": " << value << "\n";
}

}  // namespace

void add_bench_shards(CLI::App& bench_app, Program& program) {
  auto a = std::make_shared<ShardBench>();
  const auto add_command = [&](const char* name, const char* help, const char* example) {
    auto* command = bench_app.add_subcommand(name, help);
    command->add_option("--work", a->folder, "folder for the shards")->required();
    command->add_flag("--json", a->json, "one JSON object on standard output");
    command->footer(fmt::format("Example:\n  dusk bench {} --work /tmp/bench", example));
    return command;
  };
  auto* read = add_command("read", "Reads shards at random from many threads, compares all of it",
                           "read --threads 16 --seconds 60");
  read->add_option("--threads", a->threads)->check(CLI::Range(1, 1024))->capture_default_str();
  read->add_option("--seconds", a->seconds)->check(CLI::Range(0.0, 86400.0))->capture_default_str();
  read->callback([a, &program] {
    const auto result = read_at_random(*a);
    print(result, a->json);
    if (result["differences"].get<std::uint64_t>() > 0) program.result = ExitCode::data;
  });
  auto* open =
      add_command("open", "Opens a set of many tiny samples (made the first time)", "open");
  open->add_option("--samples", a->samples)
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  open->add_option("--shards", a->shards)->check(CLI::Range(1, 100'000))->capture_default_str();
  open->callback([a] { print(open_set(*a), a->json); });
}

}  // namespace dusk::launch
