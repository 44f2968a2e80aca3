#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "comm/operation.hpp"

namespace dusk::comm {

/// A thread that runs operations one after the other, in the order they were submitted. The first
/// one that throws closes the queue: its exception goes to whoever waits for it, those behind it
/// fail without having been started, and so does every later submission.
class OperationQueue {
 public:
  using Run = std::function<void(const Operation&)>;

  /// Both are called on the queue's thread: `on_start` before any operation, `on_failure` once,
  /// with the message of the first exception.
  OperationQueue(Place place, const std::function<void()>& on_start,
                 std::function<void(const std::string&)> on_failure);
  /// Waits for the operation that is running; what has not been started fails.
  ~OperationQueue();
  OperationQueue(const OperationQueue&) = delete;
  OperationQueue& operator=(const OperationQueue&) = delete;

  /// Throws `CommError` when the queue has closed.
  [[nodiscard]] Work submit(Operation operation, Run run);
  /// Name of an operation that is running or queued; empty when there is none.
  [[nodiscard]] std::string pending() const;

 private:
  class Entry;

  void work();
  /// Null when it went well.
  [[nodiscard]] std::exception_ptr run_one(Entry& entry);
  [[nodiscard]] std::string not_started(const Operation& operation) const;

  Place place_;
  std::function<void(const std::string&)> on_failure_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Entry>> entries_;  ///< the front one is running
  std::deque<std::shared_ptr<Entry>> failed_;   ///< keeps their buffers alive, see `Entry::finish`
  std::string failure_;                         ///< message of the first failure
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dusk::comm
