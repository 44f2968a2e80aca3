#include <atomic>

#include "dusk/base/error.hpp"
#include "dusk/comm/work_queue.hpp"

namespace dusk {
namespace {

class LocalWorkQueue final : public WorkQueue {
 public:
  explicit LocalWorkQueue(std::int64_t count) : count_(count) {}

  std::optional<std::int64_t> next() override {
    if (next_.load(std::memory_order_relaxed) >= count_) return std::nullopt;  // never overflows
    const std::int64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    if (number >= count_) return std::nullopt;
    return number;
  }

 private:
  const std::int64_t count_;
  std::atomic<std::int64_t> next_{0};
};

}  // namespace

std::unique_ptr<WorkQueue> make_local_work_queue(std::int64_t count) {
  if (count < 0) fail<InternalError>("a queue of {} pieces of work", count);
  return std::make_unique<LocalWorkQueue>(count);
}

}  // namespace dusk
