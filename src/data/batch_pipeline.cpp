#include "dusk/data/batch_pipeline.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "data/prefetcher.hpp"
#include "data/stream.hpp"
#include "dusk/base/error.hpp"
#include "dusk/device/device.hpp"

namespace dusk {
namespace {

/// Samples that may be damaged in a row before `skip` gives up: beyond it, the data set is broken.
constexpr std::uint64_t kMostSkips = 64;

/// What all batches of a pipeline share; immutable.
struct Plan {
  std::vector<Stream> streams;
  std::uint64_t rank = 0;
  OnDamage on_damage = OnDamage::stop;
};

class BatchJob final : public PrefetchJob {
 public:
  BatchJob(std::shared_ptr<const Plan> plan, std::uint64_t step)
      : plan_(std::move(plan)), step_(step) {
    for (const Stream& stream : plan_->streams) {
      builders_.push_back(
          std::make_unique<StreamBatchBuilder>(stream.local_batch, stream.spec.augment.crop_height,
                                               stream.spec.augment.crop_width, stream.layout));
      tasks_ += stream.local_batch;
      bytes_.value += builders_.back()->bytes().value;
    }
  }

  std::size_t tasks() const override { return tasks_; }
  Bytes bytes() const override { return bytes_; }

  void run(std::size_t task, SampleReader& reader) override {
    std::size_t number = 0;
    while (task >= plan_->streams[number].local_batch) task -= plan_->streams[number++].local_batch;
    const Stream& stream = plan_->streams[number];
    const std::uint64_t position = first_position(stream) + plan_->rank * stream.local_batch + task;
    for (std::uint64_t skipped = 0;; ++skipped) {
      const SampleRef ref = stream.order->at(position + skipped);
      try {
        load(stream, ref, *builders_[number], task, reader);
        return;
      } catch (const DataError& error) {
        if (plan_->on_damage == OnDamage::stop) throw;
        if (skipped + 1 == kMostSkips)
          fail<DataError>("{} samples in a row are damaged, at last {}", kMostSkips, error.what());
        builders_[number]->add_damage(task, error.what());
      }
    }
  }

  Batch take() {
    Batch batch{.step = step_, .streams = {}};
    for (std::size_t i = 0; i < builders_.size(); ++i) {
      StreamBatch part = builders_[i]->take();
      part.first_position = first_position(plan_->streams[i]);
      batch.streams.emplace(plan_->streams[i].spec.name, std::move(part));
    }
    return batch;
  }

 private:
  std::uint64_t first_position(const Stream& stream) const {
    return step_ * static_cast<std::uint64_t>(stream.spec.global_batch);
  }

  void load(const Stream& stream, const SampleRef& ref, StreamBatchBuilder& builder,
            std::size_t slot, SampleReader& reader) const {
    try {
      load_sample(stream, ref, slot, builder, reader);
    } catch (const std::exception&) {
      rethrow_with_place(fmt::format("stream '{}', step {}, {}", stream.spec.name, step_,
                                     place_of(stream.spec.dataset, ref)));
    }
  }

  std::shared_ptr<const Plan> plan_;
  std::uint64_t step_;
  std::size_t tasks_ = 0;
  Bytes bytes_;
  std::vector<std::unique_ptr<StreamBatchBuilder>> builders_;  // one a stream
};

void check(const std::vector<StreamSpec>& streams, int rank, int size,
           const PipelineOptions& options) {
  if (size < 1 || rank < 0 || rank >= size)
    fail<InternalError>("a pipeline for rank {} of {}", rank, size);
  if (options.threads < 1 || options.prefetch < 1 || options.memory_mib < 1)
    fail<ConfigError>("{} loader threads, {} batches and {} MiB ahead, all must be >= 1",
                      options.threads, options.prefetch, options.memory_mib);
  if (streams.empty()) fail<ConfigError>("training needs at least one stream of samples");
  std::set<std::string> names;
  for (const StreamSpec& stream : streams) {
    if (!names.insert(stream.name).second)
      fail<ConfigError>("two streams have the name '{}'", stream.name);
    check_stream(stream);
    check_division(stream.name, stream.global_batch, size);
  }
}

std::shared_ptr<const Plan> make_plan(std::vector<StreamSpec> streams, std::uint64_t seed, int rank,
                                      int size, const Device& device,
                                      const PipelineOptions& options) {
  auto plan = std::make_shared<Plan>();
  plan->rank = static_cast<std::uint64_t>(rank);
  plan->on_damage = options.on_damage;
  for (StreamSpec& spec : streams)
    plan->streams.push_back(
        make_stream(std::move(spec), seed, size, device.host_options(), options.channels_last));
  return plan;
}

}  // namespace

void check_division(const std::string& stream, int global_batch, int ranks) {
  if (global_batch >= 1 && global_batch % ranks == 0) return;
  std::vector<int> divisors;
  for (int n = 1; n <= global_batch; ++n)
    if (global_batch % n == 0) divisors.push_back(n);
  const int below = global_batch / ranks * ranks;
  const std::string others =
      below > 0 ? fmt::format("{} or {}", below, below + ranks) : fmt::format("{}", below + ranks);
  fail<ConfigError>(
      "stream '{}': a global batch of {} cannot be divided among {} ranks; with {} ranks use a "
      "global batch of {}{}",
      stream, global_batch, ranks, ranks, others,
      divisors.empty() ? "" : fmt::format(", with this one {} ranks", fmt::join(divisors, ", ")));
}

StreamSpec open_stream(std::string name, const StreamOptions& options, ActivityBoard* activity) {
  const ViewOptions views{
      .pair = options.pair, .pair_geometry = options.pair_geometry, .frames = options.frames};
  if (!options.also.empty() && (options.pair || !options.frames.empty())) {
    fail<ConfigError>("streams.{}: pairs and frames are looked for in one set; leave out 'also'",
                      name);
  }
  std::vector<Dataset> sets{Dataset::open(options.shards, options.filter, activity)};
  for (const auto& [part, set] : options.also) {
    sets.push_back(Dataset::open(set.shards, set.filter, activity));
  }
  ViewedDataset viewed = with_views(Dataset::joined(std::move(sets)), views);
  return {.name = std::move(name),
          .dataset = std::move(viewed.dataset),
          .augment = options.augment,
          .global_batch = options.global_batch,
          .labels = options.labels,
          .sampling = options.sampling,
          .views = std::move(viewed.views),
          .left_out = viewed.left_out,
          .confidence = options.confidence};
}

struct BatchPipeline::Impl {
  Impl(std::shared_ptr<const Plan> plan, const PipelineOptions& options)
      : prefetcher([plan = std::move(plan)](
                       std::uint64_t step) { return std::make_shared<BatchJob>(plan, step); },
                   {.threads = options.threads,
                    .jobs = options.prefetch,
                    .memory = Bytes{static_cast<std::size_t>(options.memory_mib) << 20U}}) {}

  std::uint64_t skipped = 0;
  Prefetcher prefetcher;
};

BatchPipeline::BatchPipeline(std::vector<StreamSpec> streams, std::uint64_t seed, int rank,
                             int size, const Device& device, const PipelineOptions& options) {
  check(streams, rank, size, options);
  impl_ = std::make_unique<Impl>(make_plan(std::move(streams), seed, rank, size, device, options),
                                 options);
}

BatchPipeline::~BatchPipeline() = default;

Batch BatchPipeline::next() {
  Batch batch = static_cast<BatchJob&>(*impl_->prefetcher.next()).take();
  for (const auto& [name, stream] : batch.streams) impl_->skipped += stream.damage.size();
  return batch;
}

void BatchPipeline::seek(std::uint64_t step) {
  impl_->prefetcher.seek(step);
}

std::uint64_t BatchPipeline::step() const {
  return impl_->prefetcher.number();
}

double BatchPipeline::waited_seconds() const {
  return impl_->prefetcher.waited_seconds();
}

std::uint64_t BatchPipeline::skipped() const {
  return impl_->skipped;
}

}  // namespace dusk
