#include "dusk/data/eval_loader.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "data/prefetcher.hpp"
#include "data/stream_batch_builder.hpp"
#include "dusk/base/error.hpp"
#include "dusk/device/device.hpp"

namespace dusk {
namespace {

/// Pictures [begin, end) of the data set.
struct Part {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Neighbours of one size, at most `most` at once.
std::vector<Part> split_by_size(const Dataset& dataset, Part part, std::uint64_t most) {
  std::vector<Part> batches;
  for (std::uint64_t i = part.begin; i < part.end; ++i) {
    const bool joins = !batches.empty() && i - batches.back().begin < most &&
                       dataset.info(i).height == dataset.info(i - 1).height &&
                       dataset.info(i).width == dataset.info(i - 1).width;
    if (joins)
      batches.back().end = i + 1;
    else
      batches.push_back({i, i + 1});
  }
  return batches;
}

/// The whole picture, resized if that is asked for.
Geometry geometry_for(const SampleInfo& info, int short_side) {
  Geometry geometry = whole_picture(info.height, info.width);
  const int shorter = std::min(info.height, info.width);
  if (short_side == 0 || short_side == shorter) return geometry;
  const auto resized = [&](int side) {
    return static_cast<int>(static_cast<std::int64_t>(side) * short_side / shorter);
  };
  geometry.scaled_height = geometry.height = resized(info.height);
  geometry.scaled_width = geometry.width = resized(info.width);
  return geometry;
}

class EvalJob final : public PrefetchJob {
 public:
  EvalJob(const Dataset& dataset, Part part, const BatchLayout& layout, int short_side)
      : dataset_(dataset),
        part_(part),
        geometry_(geometry_for(dataset.info(part.begin), short_side)),
        builder_(part.end - part.begin, geometry_.height, geometry_.width, layout) {}

  Bytes bytes() const override { return builder_.bytes(); }

  std::size_t tasks() const override { return part_.end - part_.begin; }

  void run(std::size_t task, SampleReader& reader) override {
    const std::uint64_t index = part_.begin + task;
    const SampleRef ref{.position = index, .epoch = 0, .index = index};
    try {
      builder_.load_label(task, dataset_, index, geometry_, reader);
      builder_.load_picture(task, 0, {.dataset = dataset_, .index = index, .geometry = geometry_},
                            reader);
      builder_.note(task, ref, dataset_.info(index).name, geometry_);
    } catch (const std::exception&) {
      rethrow_with_place(place_of(dataset_, ref));
    }
  }

  StreamBatch take() {
    StreamBatch batch = builder_.take();
    batch.first_position = part_.begin;
    return batch;
  }

 private:
  Dataset dataset_;
  Part part_;
  Geometry geometry_;
  StreamBatchBuilder builder_;
};

}  // namespace

struct EvalLoader::Impl {
  Impl(Dataset set, Part my_part, const BatchLayout& layout, const EvalOptions& options)
      : part(my_part),
        prefetcher(
            [dataset = set, layout, short_side = options.short_side,
             batches = split_by_size(set, my_part, static_cast<std::uint64_t>(options.batch))](
                std::uint64_t number) -> std::shared_ptr<PrefetchJob> {
              if (number >= batches.size()) return nullptr;
              return std::make_shared<EvalJob>(dataset, batches[number], layout, short_side);
            },
            {.threads = options.threads, .jobs = options.prefetch}) {}

  Part part;
  Prefetcher prefetcher;
};

EvalLoader::EvalLoader(Dataset dataset, int rank, int size, const Device& device,
                       const EvalOptions& options) {
  if (size < 1 || rank < 0 || rank >= size)
    fail<InternalError>("an evaluation loader for rank {} of {}", rank, size);
  if (options.batch < 1 || options.threads < 1 || options.prefetch < 1)
    fail<ConfigError>("evaluation with batch {}, {} threads, {} batches ahead: all must be >= 1",
                      options.batch, options.threads, options.prefetch);
  const auto ranks = static_cast<std::uint64_t>(size);
  const auto mine = static_cast<std::uint64_t>(rank);
  const std::uint64_t count = dataset.size();
  const Part part{mine * count / ranks, (mine + 1) * count / ranks};
  const BatchLayout layout{.host_options = device.host_options(),
                           .channels_last = options.channels_last,
                           .labels = options.labels};
  impl_ = std::make_unique<Impl>(std::move(dataset), part, layout, options);
}

EvalLoader::~EvalLoader() = default;

std::optional<StreamBatch> EvalLoader::next() {
  const auto job = impl_->prefetcher.next();
  if (!job) return std::nullopt;
  return static_cast<EvalJob&>(*job).take();
}

void EvalLoader::rewind() {
  impl_->prefetcher.seek(0);
}

std::uint64_t EvalLoader::size() const {
  return impl_->part.end - impl_->part.begin;
}

double EvalLoader::waited_seconds() const {
  return impl_->prefetcher.waited_seconds();
}

}  // namespace dusk
