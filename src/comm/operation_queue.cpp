#include "comm/operation_queue.hpp"

#include <fmt/format.h>

#include "comm/quiet_thread.hpp"
#include "dusk/base/error.hpp"

namespace dusk::comm {

/// One submitted operation, shared by the queue and those who wait for it.
class OperationQueue::Entry final : public WorkState {
 public:
  Entry(Operation operation, Run run) : operation_(std::move(operation)), run_(std::move(run)) {}

  void wait() override {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [this] { return done_; });
    if (error_) std::rethrow_exception(error_);
  }
  void wait_stream() override { wait(); }
  [[nodiscard]] bool done() const override {
    const std::scoped_lock lock(mutex_);
    return done_;
  }

  [[nodiscard]] const Operation& operation() const noexcept { return operation_; }
  void run() { run_(operation_); }
  /// Lets go of the buffers before anybody learns that the operation is done; not of those of a
  /// failed one, which other ranks may still write to.
  void finish(std::exception_ptr error) {
    if (!error) run_ = nullptr;
    {
      const std::scoped_lock lock(mutex_);
      error_ = std::move(error);
      done_ = true;
    }
    finished_.notify_all();
  }

 private:
  Operation operation_;
  Run run_;
  mutable std::mutex mutex_;
  std::condition_variable finished_;
  bool done_ = false;
  std::exception_ptr error_;
};

OperationQueue::OperationQueue(Place place, const std::function<void()>& on_start,
                               std::function<void(const std::string&)> on_failure)
    : place_(std::move(place)), on_failure_(std::move(on_failure)) {
  thread_ = start_quiet_thread("dusk-comm", [this, on_start] {
    on_start();
    work();
  });
}

OperationQueue::~OperationQueue() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Work OperationQueue::submit(Operation operation, Run run) {
  auto entry = std::make_shared<Entry>(std::move(operation), std::move(run));
  {
    const std::scoped_lock lock(mutex_);
    if (!failure_.empty()) throw CommError(not_started(entry->operation()));
    entries_.push_back(entry);
  }
  changed_.notify_all();
  return Work(std::move(entry));
}

std::string OperationQueue::pending() const {
  const std::scoped_lock lock(mutex_);
  return entries_.empty() ? std::string() : entries_.front()->operation().describe();
}

std::string OperationQueue::not_started(const Operation& operation) const {
  return fmt::format("{}: {} was not started, the communicator has failed before: {}",
                     to_string(place_), operation.describe(), failure_);
}

void OperationQueue::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !entries_.empty(); });
    if (entries_.empty()) return;
    const std::shared_ptr<Entry> entry = entries_.front();
    if (stopping_ && failure_.empty()) failure_ = "it was closed";
    std::exception_ptr error;
    if (failure_.empty()) {
      lock.unlock();
      error = run_one(*entry);
      lock.lock();
    } else {
      error = std::make_exception_ptr(CommError(not_started(entry->operation())));
    }
    if (error) failed_.push_back(entry);
    entries_.pop_front();  // before the waiter goes on: pending() must not show it any more
    lock.unlock();
    entry->finish(error);
    lock.lock();
  }
}

std::exception_ptr OperationQueue::run_one(Entry& entry) {
  std::exception_ptr error;
  std::string message;
  try {
    entry.run();
    return nullptr;
  } catch (const std::exception& exception) {
    error = std::current_exception();
    message = exception.what();
  } catch (...) {
    error = std::current_exception();
    message = "unknown exception";
  }
  // The others learn of it before our own waiter does, and nothing is submitted in between.
  on_failure_(message);
  const std::scoped_lock lock(mutex_);
  failure_ = message;
  return error;
}

}  // namespace dusk::comm
