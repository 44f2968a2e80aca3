#include "launch/map_set.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "dusk/base/clock.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/device/stream.hpp"

namespace dusk::launch {
namespace {

std::span<const std::uint8_t> values_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.const_data_ptr<std::uint8_t>(), static_cast<std::size_t>(tensor.numel())};
}

SampleData data_of(const MappedPicture& picture) {
  return {.info = picture.info,
          .image = values_of(picture.image),
          .label = values_of(picture.label),
          .confidence = values_of(picture.confidence)};
}

/// Does tasks one after the other on a thread of its own, beside the caller's work.
class TaskThread {
 public:
  explicit TaskThread(std::size_t most_waiting) : most_(most_waiting), thread_([this] { work(); }) {}
  /// Drops the tasks that have not begun.
  ~TaskThread() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
      tasks_.clear();
    }
    changed_.notify_all();
    thread_.join();
  }
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  /// Waits while too many tasks wait. Raises the error of a task before.
  void add(std::function<void()> task) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || tasks_.size() < most_; });
    if (error_) std::rethrow_exception(error_);
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }

  /// Waits until all tasks are done.
  void finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || (tasks_.empty() && !working_); });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return ending_ || !tasks_.empty(); });
      if (ending_) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      working_ = true;
      lock.unlock();
      std::exception_ptr error;
      try {
        task();
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      working_ = false;
      if (error) {
        error_ = error;
        tasks_.clear();
      }
      changed_.notify_all();
    }
  }

  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::exception_ptr error_;
  bool working_ = false;
  bool ending_ = false;
  std::thread thread_;  ///< last: uses the others
};

/// A shard that is to be made, with its pictures on their way.
struct ShardJob {
  std::size_t number = 0;
  std::string provenance;
  Dataset input;
  std::unique_ptr<EvalLoader> pictures;
};

Dataset part_of(const SetPlan& plan, std::size_t shard) {
  std::vector<std::uint64_t> indices(plan.end(shard) - plan.begin(shard));
  std::iota(indices.begin(), indices.end(), plan.begin(shard));
  return plan.input.subset(indices);
}

/// Takes shards from the queue, keeps those that exist, and sees to it that the pictures of the
/// next one are being read while the last ones of a shard are computed.
class ShardFeed {
 public:
  ShardFeed(const SetPlan& plan, WorkQueue& queue, const MapProgress& progress)
      : plan_(plan), queue_(queue), progress_(progress) {}

  struct Shard {
    std::size_t number = 0;
    std::string provenance;
  };
  /// The next one that does not exist.
  std::optional<Shard> next() {
    while (const auto number = queue_.next()) {
      const auto shard = static_cast<std::size_t>(*number);
      std::string provenance = plan_.provenance(shard);
      auto summary = find_finished_shard(plan_.path(shard), provenance);
      if (!summary) return Shard{shard, std::move(provenance)};
      finished_.push_back({shard, true, std::move(*summary)});
      if (progress_) progress_(plan_.end(shard), plan_.end(shard) - plan_.begin(shard));
    }
    return std::nullopt;
  }

  std::optional<ShardJob> next_job(const Device& device, const EvalOptions& loader) {
    const auto shard = next();
    if (!shard) return std::nullopt;
    Dataset input = part_of(plan_, shard->number);
    auto pictures = std::make_unique<EvalLoader>(input, 0, 1, device, loader);
    return ShardJob{shard->number, shard->provenance, std::move(input), std::move(pictures)};
  }

  [[nodiscard]] std::vector<FinishedShard> take_kept() { return std::move(finished_); }

 private:
  const SetPlan& plan_;
  WorkQueue& queue_;
  const MapProgress& progress_;
  std::vector<FinishedShard> finished_;
};

ShardWriter writer_for(const SetPlan& plan, std::size_t shard, const std::string& provenance) {
  return ShardWriter(plan.path(shard),
                     {.tile = plan.tile, .level = plan.level, .provenance = provenance},
                     plan.labels);
}

EvalOptions without_labels(EvalOptions options) {
  options.labels = false;
  return options;
}

/// What `map` makes of a batch, and when it can be read.
struct MappedBatch {
  std::vector<MappedPicture> pictures;
  std::shared_ptr<Event> filled;
};

MappedBatch start(PictureMap& map, const StreamBatch& batch, const Dataset& input,
                  const Device& device) {
  MappedBatch mapped{map.map(batch, input), std::make_shared<Event>(device)};
  mapped.filled->record(Stream::current(device));
  if (mapped.pictures.size() != batch.names.size()) {
    fail<InternalError>("{} pictures became {}", batch.names.size(), mapped.pictures.size());
  }
  return mapped;
}

}  // namespace

std::size_t SetPlan::shard_count() const {
  return (input.size() + samples_per_shard - 1) / samples_per_shard;
}

std::uint64_t SetPlan::end(std::size_t shard) const {
  return std::min<std::uint64_t>(begin(shard) + samples_per_shard, input.size());
}

std::filesystem::path SetPlan::path(std::size_t shard) const {
  return output / shard_file_name(shard);
}

std::uint64_t SetPlan::names_of(std::size_t shard) const {
  Hasher hasher;
  for (std::uint64_t i = begin(shard); i < end(shard); ++i) {
    const std::string& name = input.info(i).name;
    const std::uint64_t size = name.size();
    hasher.update(std::as_bytes(std::span(&size, 1)));
    hasher.update(std::as_bytes(std::span(name)));
  }
  return hasher.digest();
}

std::vector<FinishedShard> map_shards(const SetPlan& plan, PictureMap& map, WorkQueue& queue,
                                      const Device& device, const EvalOptions& loader,
                                      const MapProgress& progress) {
  make_directories(plan.output);
  const EvalOptions options = without_labels(loader);
  ShardFeed feed(plan, queue, progress);
  std::vector<FinishedShard> made;
  std::optional<ShardWriter> writer;  // used by the tasks only
  TaskThread writing(2 * static_cast<std::size_t>(options.batch) + 2);
  auto job = feed.next_job(device, options);
  while (job) {
    writing.add([&, number = job->number, provenance = job->provenance] {
      writer = writer_for(plan, number, provenance);
    });
    std::optional<ShardJob> following;
    std::uint64_t done = 0;
    while (const auto batch = job->pictures->next()) {
      done += batch->names.size();
      // The queue is asked before the last batch is computed: then the next shard is being read.
      if (done == job->input.size()) following = feed.next_job(device, options);
      MappedBatch mapped = start(map, *batch, job->input, device);
      for (MappedPicture& picture : mapped.pictures) {
        writing.add([&, picture = std::move(picture), filled = mapped.filled]() mutable {
          filled->synchronize();
          map.finish(picture);
          writer->add(data_of(picture));
        });
      }
      if (progress) progress(plan.begin(job->number) + done, 0);
    }
    writing.add([&, number = job->number] { made.push_back({number, false, writer->finish()}); });
    job = std::move(following);
  }
  writing.finish();
  std::ranges::move(feed.take_kept(), std::back_inserter(made));
  return made;
}

std::vector<FinishedShard> make_shards(const SetPlan& plan, WorkQueue& queue, const MakeShard& make,
                                       const MapProgress& progress) {
  make_directories(plan.output);
  ShardFeed feed(plan, queue, progress);
  std::vector<FinishedShard> made;
  while (const auto shard = feed.next()) {
    ShardWriter writer = writer_for(plan, shard->number, shard->provenance);
    make(shard->number, writer);
    made.push_back({shard->number, false, writer.finish()});
    if (progress) progress(plan.end(shard->number), 0);
  }
  std::ranges::move(feed.take_kept(), std::back_inserter(made));
  return made;
}

void publish_together(const SetPlan& plan, const std::vector<FinishedShard>& mine,
                      const std::optional<SetReference>& reference, Communicator& control) {
  std::vector<FinishedShard> all;
  for (const std::string& text : all_gather_text(control, to_text(mine)))
    for (FinishedShard& shard : parse_finished_shards(text)) all.push_back(std::move(shard));
  if (control.rank() == 0) {
    publish_manifest(plan.output, plan.labels, in_order(std::move(all), plan.shard_count()),
                     reference);
  }
  wait_for_all(control, "the set is published");
}

MapEstimate estimate(const SetPlan& plan, PictureMap& map, const Device& device,
                     const EvalOptions& loader) {
  MapEstimate result;
  for (std::size_t shard = 0; shard < plan.shard_count(); ++shard)
    if (!std::filesystem::exists(plan.path(shard)))
      result.pictures += plan.end(shard) - plan.begin(shard);
  if (result.pictures == 0) return result;
  const Dataset first = part_of(plan, 0);
  EvalLoader pictures(first, 0, 1, device, without_labels(loader));
  const auto batch = pictures.next();
  (void)start(map, *batch, first, device);  // memory and plans of the network
  device.synchronize();
  const Stopwatch clock;
  MappedBatch mapped = start(map, *batch, first, device);
  device.synchronize();
  const auto count = static_cast<double>(mapped.pictures.size());
  result.seconds_per_picture = clock.seconds() / count;
  ShardWriter writer = writer_for(plan, 0, "");  // never finished: only its size is looked at
  for (MappedPicture& picture : mapped.pictures) {
    map.finish(picture);
    writer.add(data_of(picture));
  }
  result.bytes_per_picture = static_cast<double>(writer.encoded_size().value) / count;
  return result;
}

std::string to_string(const MapEstimate& estimate, int ranks) {
  const auto pictures = static_cast<double>(estimate.pictures);
  const double seconds = pictures * estimate.seconds_per_picture / ranks;
  const auto bytes = static_cast<std::size_t>(pictures * estimate.bytes_per_picture);
  return fmt::format("{} pictures: about {} on {} rank(s) and {}", estimate.pictures,
                     format_duration(seconds), ranks, to_string(Bytes{bytes}));
}

}  // namespace dusk::launch
