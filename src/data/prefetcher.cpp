#include "data/prefetcher.hpp"

#include <utility>

#include "dusk/base/clock.hpp"

namespace dusk {

Prefetcher::Prefetcher(Maker maker, const PrefetchLimits& limits)
    : maker_(std::move(maker)), limits_(limits) {
  try {
    for (int i = 0; i < limits.threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (...) {
    stop();
    throw;
  }
}

Prefetcher::~Prefetcher() {
  stop();
}

void Prefetcher::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_available_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::shared_ptr<PrefetchJob> Prefetcher::next() {
  std::unique_lock lock(mutex_);
  if (!is_ready()) {
    const Stopwatch waiting;
    job_ready_.wait(lock, [this] { return is_ready(); });
    waited_seconds_ += waiting.seconds();
  }
  if (slots_.empty()) return nullptr;
  if (slots_.front()->error) std::rethrow_exception(slots_.front()->error);
  auto job = std::move(slots_.front()->job);
  slots_.pop_front();
  ++front_;
  lock.unlock();
  work_available_.notify_all();
  return job;
}

void Prefetcher::seek(std::uint64_t number) {
  {
    const std::lock_guard lock(mutex_);
    slots_.clear();
    waiting_.reset();
    front_ = number;
    ended_ = false;
  }
  work_available_.notify_all();
}

std::uint64_t Prefetcher::number() const {
  const std::lock_guard lock(mutex_);
  return front_;
}

double Prefetcher::waited_seconds() const {
  const std::lock_guard lock(mutex_);
  return waited_seconds_;
}

bool Prefetcher::is_ready() const {
  if (slots_.empty()) return ended_;
  return slots_.front()->finished == slots_.front()->job->tasks();
}

std::shared_ptr<Prefetcher::Slot> Prefetcher::slot_with_task() {
  for (const auto& slot : slots_)
    if (slot->started < slot->job->tasks()) return slot;
  if (ended_ || slots_.size() >= static_cast<std::size_t>(limits_.jobs)) return nullptr;
  if (!waiting_) waiting_ = maker_(front_ + slots_.size());
  if (!waiting_) {
    ended_ = true;
    job_ready_.notify_one();
    return nullptr;
  }
  if (!has_room(waiting_->bytes())) return nullptr;
  slots_.push_back(std::make_shared<Slot>());
  slots_.back()->job = std::move(waiting_);
  return slots_.back();
}

bool Prefetcher::has_room(Bytes more) const {
  std::size_t taken = 0;
  for (const auto& slot : slots_) taken += slot->job->bytes().value;
  return slots_.empty() ||
         (taken <= limits_.memory.value && more.value <= limits_.memory.value - taken);
}

Prefetcher::Claim Prefetcher::claim() {
  std::unique_lock lock(mutex_);
  std::shared_ptr<Slot> slot;
  work_available_.wait(lock, [&] { return stopping_ || (slot = slot_with_task()) != nullptr; });
  if (stopping_) return {};
  const std::size_t task = slot->started++;
  return {std::move(slot), task};
}

void Prefetcher::finish(const Claim& claim, std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  Slot& slot = *claim.slot;
  if (error && (!slot.error || claim.task < slot.failed_task)) {
    slot.error = std::move(error);
    slot.failed_task = claim.task;
  }
  ++slot.finished;
  if (!slots_.empty() && slots_.front() == claim.slot && is_ready()) job_ready_.notify_one();
}

void Prefetcher::work() {
  SampleReader reader;
  while (true) {
    Claim task = claim();
    if (!task.slot) return;
    std::exception_ptr error;
    try {
      task.slot->job->run(task.task, reader);
    } catch (...) {
      error = std::current_exception();
    }
    finish(task, std::move(error));
  }
}

}  // namespace dusk
