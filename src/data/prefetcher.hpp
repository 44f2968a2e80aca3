#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "data/sample_reader.hpp"
#include "dusk/base/units.hpp"

namespace dusk {

/// One batch in the making: a fixed number of tasks, at least one, that may run in any order on any
/// threads.
class PrefetchJob {
 public:
  virtual ~PrefetchJob() = default;
  [[nodiscard]] virtual std::size_t tasks() const = 0;
  virtual void run(std::size_t task, SampleReader& reader) = 0;
  /// What it takes in memory once it runs.
  [[nodiscard]] virtual Bytes bytes() const = 0;
};

struct PrefetchLimits {
  int threads = 1;
  int jobs = 1;                   ///< that are ready or being made
  Bytes memory{~std::size_t{0}};  ///< of those jobs together, unless one alone takes more
};

/// Makes jobs 0, 1, 2, ... ahead of the consumer with a bounded number of threads and of jobs, and
/// hands them out in order. One consumer.
class Prefetcher {
 public:
  /// Job `number`, or null behind the last. Called under a lock: must be quick and not throw.
  using Maker = std::function<std::shared_ptr<PrefetchJob>(std::uint64_t number)>;

  Prefetcher(Maker maker, const PrefetchLimits& limits);
  /// Waits for the tasks that are running, no others.
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next finished job, or null behind the last. If tasks failed, raises the error of the first
  /// one in order of tasks, again at each call until `seek`.
  [[nodiscard]] std::shared_ptr<PrefetchJob> next();
  /// Continues with job `number`; tasks that are running end in vain.
  void seek(std::uint64_t number);
  /// Number of the job that `next()` will return.
  [[nodiscard]] std::uint64_t number() const;
  [[nodiscard]] double waited_seconds() const;

 private:
  struct Slot {
    std::shared_ptr<PrefetchJob> job;
    std::size_t started = 0;
    std::size_t finished = 0;
    std::size_t failed_task = 0;
    std::exception_ptr error;
  };
  struct Claim {
    std::shared_ptr<Slot> slot;
    std::size_t task = 0;
  };

  void work();
  [[nodiscard]] Claim claim();                           // waits for a task
  [[nodiscard]] std::shared_ptr<Slot> slot_with_task();  // under the lock
  [[nodiscard]] bool has_room(Bytes more) const;         // under the lock
  void finish(const Claim& claim, std::exception_ptr error);
  [[nodiscard]] bool is_ready() const;  // under the lock
  void stop();

  const Maker maker_;
  const PrefetchLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable work_available_;
  std::condition_variable job_ready_;
  std::deque<std::shared_ptr<Slot>> slots_;  // of jobs front_, front_ + 1, ...
  std::shared_ptr<PrefetchJob> waiting_;  // job front_ + slots_.size(), for which there is no room
  std::uint64_t front_ = 0;
  bool ended_ = false;  // the maker has no more jobs
  bool stopping_ = false;
  double waited_seconds_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace dusk
