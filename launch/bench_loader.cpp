#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>

#include "dusk/base/clock.hpp"
#include "dusk/base/files.hpp"
#include "dusk/data/batch_pipeline.hpp"
#include "dusk/data/resample.hpp"
#include "dusk/device/device.hpp"
#include "dusk/device/host_memory.hpp"
#include "launch/commands.hpp"
#include "sharding/convert.hpp"
#include "sharding/pictures.hpp"
#include "sharding/synth/city.hpp"

namespace dusk::launch {
namespace {

namespace fs = std::filesystem;

constexpr int kHeight = 1024, kWidth = 2048, kCrop = 512;

struct LoaderBench {
  fs::path pictures, work;
  int count = 8;
  int rounds = 7;
  int crops = 12;
  int threads = 1;
  int batches = 40;
  bool json = false;
};

/// The same pictures in three forms.
struct Files {
  std::vector<fs::path> png, jpeg;
  fs::path shards;
};

std::vector<fs::path> given_pictures(const LoaderBench& options) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(options.pictures)) {
    const auto kind = entry.path().extension();
    if (kind == ".png" || kind == ".jpg") found.push_back(entry.path());
  }
  if (found.empty()) fail<DataError>("{} has no .png and no .jpg", options.pictures.string());
  std::ranges::sort(found);
  return found;
}

/// Streets by day and by night, where no pictures are given.
std::vector<fs::path> drawn_pictures(const LoaderBench& options) {
  synth::CityOptions city{.output = options.work / "city",
                          .scenes = std::max(3, (options.count + 1) / 2),
                          .height = kHeight,
                          .width = kWidth};
  synth::claim_city_folder(city);
  synth::render_city(city, 0, 1);
  std::vector<fs::path> drawn;
  for (const auto& entry : fs::recursive_directory_iterator(city.output)) {
    if (entry.path().string().ends_with("_leftImg8bit.png")) drawn.push_back(entry.path());
  }
  std::ranges::sort(drawn);
  return drawn;
}

sharding::Picture at_bench_size(const fs::path& path) {
  sharding::Picture picture = sharding::read_image(path);
  if (picture.height == kHeight && picture.width == kWidth) return picture;
  return {.height = kHeight,
          .width = kWidth,
          .channels = 3,
          .pixels = resize_image(picture.pixels, picture.height, picture.width, kHeight, kWidth,
                                 Interpolation::bicubic)};
}

/// PNG at zlib's usual level and JPEG at quality 95, as data sets are published.
void write_file(const fs::path& path, const sharding::Picture& picture) {
  cv::Mat bgr(picture.height, picture.width, CV_8UC3);
  for (std::size_t i = 0; i < picture.pixels.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) bgr.data[i + c] = picture.pixels[i + 2 - c];
  if (!cv::imwrite(path.string(), bgr,
                   {cv::IMWRITE_PNG_COMPRESSION, 6, cv::IMWRITE_JPEG_QUALITY, 95}))
    fail<StorageError>("cannot write {}", path.string());
}

/// Makes the files below `work`, or finds those of the last time.
Files prepare(const LoaderBench& options) {
  Files files{.png = {}, .jpeg = {}, .shards = options.work / "shards"};
  if (!fs::exists(files.shards / "manifest.json")) {
    make_directories(options.work);
    fs::remove_all(files.shards);
    const auto sources =
        options.pictures.empty() ? drawn_pictures(options) : given_pictures(options);
    ShardSetWriter writer(files.shards, {.shard = {.level = sharding::ConvertOptions{}.level}},
                          {.space = "cityscapes19", .classes = {"unlabelled"}});
    for (int i = 0; i < options.count; ++i) {
      const auto picture = at_bench_size(sources[static_cast<std::size_t>(i) % sources.size()]);
      const std::string name = fmt::format("{:03}", i);
      write_file(options.work / (name + ".png"), picture);
      write_file(options.work / (name + ".jpg"), picture);
      SampleInfo info;
      info.name = name;
      info.height = kHeight;
      info.width = kWidth;
      writer.add({.info = info, .image = picture.pixels, .label = {}});
    }
    writer.finish();
  }
  const std::size_t count = ShardSet::open(files.shards).size();
  for (std::size_t i = 0; i < count; ++i) {
    files.png.push_back(options.work / fmt::format("{:03}.png", i));
    files.jpeg.push_back(options.work / fmt::format("{:03}.jpg", i));
  }
  return files;
}

struct Place {
  std::size_t picture = 0;
  Rect window;
};

Place draw_place(std::size_t pictures, Random& random) {
  const auto below = [&](int most) { return static_cast<int>(random.integer(0, most)); };
  return {.picture = static_cast<std::size_t>(below(static_cast<int>(pictures) - 1)),
          .window = {below(kHeight - kCrop), below(kWidth - kCrop), kCrop, kCrop}};
}

/// What a loader on picture files does for a crop: decode all, copy a part.
std::uint8_t crop_file(const fs::path& path, Rect window) {
  const cv::Mat whole = cv::imread(path.string(), cv::IMREAD_COLOR);
  if (whole.empty()) fail<DataError>("cannot read {}", path.string());
  const cv::Mat crop = whole(cv::Rect(window.x, window.y, window.width, window.height)).clone();
  return crop.data[0];
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Milliseconds a crop of the three ways, one thread, in turns; each round begins with another way.
nlohmann::json measure_crops(const LoaderBench& options, const Files& files) {
  const ShardSet set = ShardSet::open(files.shards);
  std::vector<std::uint8_t> crop(std::size_t{kCrop} * kCrop * 3);
  std::uint64_t seen = 0;  // keeps the optimizer from leaving out what nobody looks at
  const auto read = [&](std::size_t way, const Place& place) {
    if (way == 0) set.read(Field::image, place.picture, place.window, crop), seen += crop[0];
    if (way == 1) seen += crop_file(files.png[place.picture], place.window);
    if (way == 2) seen += crop_file(files.jpeg[place.picture], place.window);
  };
  std::array<std::vector<double>, 3> times;
  std::vector<double> against_png, against_jpeg;
  for (int round = -1; round < options.rounds; ++round) {  // the first warms up
    std::array<double, 3> milliseconds{};
    for (std::size_t turn = 0; turn < 3; ++turn) {
      const std::size_t way = (turn + static_cast<std::size_t>(round + 1)) % 3;
      Random random(1, {static_cast<std::uint64_t>(round + 1)});
      const Stopwatch watch;
      for (int i = 0; i < options.crops; ++i) read(way, draw_place(set.size(), random));
      milliseconds[way] = watch.seconds() * 1000 / options.crops;
    }
    if (round < 0) continue;
    for (std::size_t way = 0; way < 3; ++way) times[way].push_back(milliseconds[way]);
    against_png.push_back(milliseconds[1] / milliseconds[0]);
    against_jpeg.push_back(milliseconds[2] / milliseconds[0]);
  }
  return {{"ours_ms", median(times[0])},
          {"png_ms", median(times[1])},
          {"jpeg_ms", median(times[2])},
          {"ratio_png", median(against_png)},
          {"ratio_jpeg", median(against_jpeg)},
          {"rounds", options.rounds},
          {"crops", options.crops},
          {"seen", seen}};
}

/// Pictures a second of whole batches: crop, flip, normalise, batches of 4.
double measure_pipeline(const LoaderBench& options, const Files& files) {
  keep_freed_memory();  // as a training on the CPU does: batches come and go
  StreamOptions stream;
  stream.shards = files.shards;
  stream.labels = false;
  stream.global_batch = 4;
  std::vector<StreamSpec> streams;
  streams.push_back(open_stream("pictures", stream));
  PipelineOptions pipeline;
  pipeline.threads = options.threads;
  BatchPipeline batches(std::move(streams), 1, 0, 1, Device::cpu(), pipeline);
  const int warm_up = pipeline.prefetch + 2;  // what was made ahead is not counted
  for (int i = 0; i < warm_up; ++i) static_cast<void>(batches.next());
  const Stopwatch watch;
  for (int i = 0; i < options.batches; ++i) static_cast<void>(batches.next());
  return stream.global_batch * options.batches / watch.seconds();
}

void bench(const LoaderBench& options) {
  const Files files = prepare(options);
  nlohmann::json result = options.rounds > 0 ? measure_crops(options, files) : nlohmann::json{};
  if (options.batches > 0) {
    result["threads"] = options.threads;
    result["images_per_second"] = measure_pipeline(options, files);
  }
  if (options.json) {
    std::cout << result.dump() << std::endl;
    return;
  }
  if (options.rounds > 0)
    std::cout << fmt::format(
        "A crop of 512x512 from 2048x1024, one thread: shards {:.2f} ms, PNG {:.2f} ms ({:.1f} "
        "times), JPEG {:.2f} ms ({:.1f} times)\n",
        result["ours_ms"].get<double>(), result["png_ms"].get<double>(),
        result["ratio_png"].get<double>(), result["jpeg_ms"].get<double>(),
        result["ratio_jpeg"].get<double>());
  if (options.batches > 0)
    std::cout << fmt::format("Batches ready for training, {} thread(s): {:.0f} pictures/s\n",
                             options.threads, result["images_per_second"].get<double>());
}

}  // namespace

void add_bench_loader(CLI::App& bench_app, Program& /*program*/) {
  auto* command = bench_app.add_subcommand(
      "loader", "Times random crops from shards beside decoding PNG and JPEG files with OpenCV");
  auto a = std::make_shared<LoaderBench>();
  command->add_option("--work", a->work, "folder for the files, used again the next time")
      ->required();
  command->add_option("--pictures", a->pictures,
                      "folder of PNGs or JPEGs to make them from; default: a drawn city");
  command->add_option("--count", a->count, "pictures")
      ->check(CLI::Range(1, 999))
      ->capture_default_str();
  command->add_option("--rounds", a->rounds, "measurements; 0: no comparison with files")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_option("--crops", a->crops, "crops of each kind a round")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--threads", a->threads, "of the pipeline")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--batches", a->batches, "batches of 4 of the pipeline; 0: none")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  command->add_flag("--json", a->json, "one JSON object on standard output");
  command->footer("Example:\n  dusk bench loader --work /tmp/bench --threads 2");
  command->callback([a] { bench(*a); });
}

}  // namespace dusk::launch
