#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dusk/base/clock.hpp"
#include "dusk/comm/communicator.hpp"
#include "launch/step_record.hpp"

namespace dusk::launch {

/// Hands every collective on to another communicator and, between `start` and `stop`, notes when it
/// was issued, begun and done. A thread of its own waits for each, in order; otherwise it sleeps
/// and the collectives pass untouched. The communicators that `split` makes are not timed.
class TimedCommunicator : public Communicator {
 public:
  /// Times count from the start of `origin`. Both must outlive this.
  TimedCommunicator(Communicator& inner, const Stopwatch& origin);
  ~TimedCommunicator() override;

  void start();
  /// Waits until all that was noted is done, and returns it in the order of issue.
  [[nodiscard]] std::vector<RecordedCollective> stop();

  [[nodiscard]] int rank() const override { return inner_.rank(); }
  [[nodiscard]] int size() const override { return inner_.size(); }
  [[nodiscard]] std::string description() const override { return inner_.description(); }
  [[nodiscard]] Work all_reduce(at::Tensor buffer, ReduceOp op, OpName name) override;
  [[nodiscard]] Work reduce_scatter(at::Tensor output, at::Tensor input, ReduceOp op,
                                    OpName name) override;
  [[nodiscard]] Work all_gather(at::Tensor output, at::Tensor input, OpName name) override;
  [[nodiscard]] Work all_gather_unequal(std::vector<at::Tensor> outputs, at::Tensor input,
                                        OpName name) override;
  [[nodiscard]] Work broadcast(at::Tensor buffer, int root, OpName name) override;
  [[nodiscard]] Work barrier(OpName name) override;
  [[nodiscard]] std::unique_ptr<Communicator> split(int color, int key) override;
  void abort(std::string_view reason) noexcept override { inner_.abort(reason); }

 private:
  class TimedWork;
  struct Noted {
    RecordedCollective record;
    std::shared_ptr<TimedWork> work;
  };

  [[nodiscard]] Work noted(const std::string& name, std::size_t bytes, double issued, Work work);
  void watch();

  Communicator& inner_;
  const Stopwatch& origin_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Noted> pending_;  ///< the front one is being waited for
  std::vector<Noted> done_;
  bool recording_ = false;
  bool closing_ = false;
  std::thread watcher_;
};

}  // namespace dusk::launch
