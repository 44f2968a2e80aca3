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

/// Does tasks of two parts on threads of its own, beside the caller's work: the first parts of
/// several tasks at once, the second parts one after the other in the order of the tasks.
class OrderedTasks {
 public:
  using Part = std::function<void()>;

  OrderedTasks(int threads, std::size_t most_waiting) : most_(most_waiting) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }
  /// Drops the tasks that have not begun.
  ~OrderedTasks() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  OrderedTasks(const OrderedTasks&) = delete;
  OrderedTasks& operator=(const OrderedTasks&) = delete;

  /// Waits while too many tasks wait. Raises the first error of a task before.
  void add(Part any_time, Part in_order) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || tasks_.size() < most_; });
    if (error_) std::rethrow_exception(error_);
    tasks_.push_back({added_++, std::move(any_time), std::move(in_order)});
    changed_.notify_all();
  }

  /// Waits until all tasks are done.
  void finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return error_ || done_ == added_; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  struct Task {
    std::uint64_t number = 0;
    Part any_time, in_order;
  };

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return ending_ || !tasks_.empty(); });
      if (ending_) return;
      const Task task = std::move(tasks_.front());
      tasks_.pop_front();
      changed_.notify_all();
      run(task.any_time, lock);
      changed_.wait(lock, [&] { return ending_ || error_ || done_ == task.number; });
      if (ending_ || error_) return;
      run(task.in_order, lock);
      ++done_;
      changed_.notify_all();
    }
  }

  void run(const Part& part, std::unique_lock<std::mutex>& lock) {
    if (!part || error_) return;
    lock.unlock();
    std::exception_ptr error;
    try {
      part();
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error && !error_) error_ = error;
    if (error_) changed_.notify_all();  // whoever waits for this task, or for a place
  }

  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::uint64_t added_ = 0;
  std::uint64_t done_ = 0;
  std::exception_ptr error_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
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
  return ShardWriter(
      plan.path(shard),
      {.tile = plan.layout.tile, .level = plan.layout.level, .provenance = provenance},
      plan.labels);
}

EvalOptions without_labels(EvalOptions options) {
  options.labels = false;
  return options;
}

std::vector<MappedPicture> start(PictureMap& map, const StreamBatch& batch, const Dataset& input) {
  std::vector<MappedPicture> pictures = map.map(batch, input);
  if (pictures.size() != batch.names.size()) {
    fail<InternalError>("{} pictures became {}", batch.names.size(), pictures.size());
  }
  return pictures;
}

}  // namespace

std::size_t SetPlan::shard_count() const {
  return (input.size() + layout.samples_per_shard - 1) / layout.samples_per_shard;
}

std::uint64_t SetPlan::end(std::size_t shard) const {
  return std::min<std::uint64_t>(begin(shard) + layout.samples_per_shard, input.size());
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
  OrderedTasks writing(options.threads, 2 * static_cast<std::size_t>(options.batch) + 2);
  auto job = feed.next_job(device, options);
  while (job) {
    const auto writer =
        std::make_shared<ShardWriter>(writer_for(plan, job->number, job->provenance));
    std::optional<ShardJob> following;
    std::uint64_t done = 0;
    while (const auto batch = job->pictures->next()) {
      done += batch->names.size();
      // The queue is asked before the last batch is computed: then the next shard is being read.
      if (done == job->input.size()) following = feed.next_job(device, options);
      for (MappedPicture& picture : start(map, *batch, job->input)) {
        auto filled = std::make_shared<Event>(device);
        filled->record(Stream::current(device));
        auto prepared = std::make_shared<std::optional<PreparedSample>>();
        const auto encode = [&map, writer, filled, prepared,
                             picture = std::move(picture)]() mutable {
          filled->synchronize();
          map.finish(picture);
          prepared->emplace(writer->prepare(data_of(picture)));
        };
        writing.add(encode, [writer, prepared] { writer->add(std::move(**prepared)); });
      }
      if (progress) progress(plan.begin(job->number) + done, 0);
    }
    writing.add({}, [&made, writer, number = job->number] {
      made.push_back({number, false, writer->finish()});
    });
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
  EvalLoader reader(first, 0, 1, device, without_labels(loader));
  const auto batch = reader.next();
  (void)start(map, *batch, first);  // memory and plans of the network
  device.synchronize();
  const Stopwatch clock;
  std::vector<MappedPicture> pictures = start(map, *batch, first);
  device.synchronize();
  const auto count = static_cast<double>(pictures.size());
  result.seconds_per_picture = clock.seconds() / count;
  ShardWriter writer = writer_for(plan, 0, "");  // never finished: only its size is looked at
  for (MappedPicture& picture : pictures) {
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
