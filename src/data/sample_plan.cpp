#include "dusk/data/sample_plan.hpp"

#include <algorithm>
#include <utility>

#include "data/permutation.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"

namespace dusk {
namespace {

std::uint64_t epoch_key(std::uint64_t seed, std::uint64_t epoch) noexcept {
  return mix(seed ^ mix(epoch));
}

/// Number of the interval [begin[i], begin[i + 1]) that holds `value`.
std::size_t interval_of(const std::vector<std::uint64_t>& begin, std::uint64_t value) {
  return static_cast<std::size_t>(std::upper_bound(begin.begin(), begin.end(), value) -
                                  begin.begin()) -
         1;
}

}  // namespace

SamplePlan::SamplePlan(std::uint64_t seed, std::uint64_t size) : seed_(seed), size_(size) {
  if (size == 0) fail<DataError>("a data set without samples has no order");
}

SampleRef SamplePlan::at(std::uint64_t position) const noexcept {
  const std::uint64_t epoch = position / size_;
  return {.position = position,
          .epoch = epoch,
          .index = permuted(position % size_, size_, epoch_key(seed_, epoch))};
}

WindowPlan::WindowPlan(std::uint64_t seed, std::vector<std::uint64_t> parts, int window)
    : seed_(seed), window_(static_cast<std::uint64_t>(window)), begin_{0} {
  if (window < 1) fail<ConfigError>("a window of {} shards, must be >= 1", window);
  for (const std::uint64_t samples : parts)
    if (samples > 0) begin_.push_back(begin_.back() + samples);
  if (begin_.back() == 0) fail<DataError>("a data set without samples has no order");
}

std::shared_ptr<const WindowPlan::Layout> WindowPlan::layout(std::uint64_t epoch) const {
  const std::lock_guard lock(mutex_);
  auto& recent = recent_[epoch % recent_.size()];
  if (recent && recent->epoch == epoch) return recent;
  Layout made{.epoch = epoch, .parts = {}, .begin = {0}};
  const std::uint64_t parts = begin_.size() - 1;
  for (std::uint64_t i = 0; i < parts; ++i) {
    const std::uint64_t part = permuted(i, parts, epoch_key(seed_, epoch));
    made.parts.push_back(part);
    made.begin.push_back(made.begin.back() + begin_[part + 1] - begin_[part]);
  }
  recent = std::make_shared<const Layout>(std::move(made));
  return recent;
}

SampleRef WindowPlan::at(std::uint64_t position) const {
  const std::uint64_t size = begin_.back();
  const std::uint64_t epoch = position / size;
  const auto order = layout(epoch);
  const std::uint64_t window = interval_of(order->begin, position % size) / window_;
  const std::uint64_t first = order->begin[window * window_];
  const std::uint64_t last =
      order->begin[std::min<std::uint64_t>((window + 1) * window_, order->parts.size())];
  const std::uint64_t key = mix(epoch_key(seed_, epoch) ^ mix(window + 1));
  const std::uint64_t place = first + permuted(position % size - first, last - first, key);
  const std::size_t part = interval_of(order->begin, place);
  return {.position = position,
          .epoch = epoch,
          .index = begin_[order->parts[part]] + place - order->begin[part]};
}

}  // namespace dusk
