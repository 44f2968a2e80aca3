#include "launch/timed_communicator.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace dusk::launch {

/// Notes when its issuer first waits.
class TimedCommunicator::TimedWork final : public WorkState {
 public:
  TimedWork(Work inner, const Stopwatch& origin) : inner_(std::move(inner)), origin_(origin) {}

  void wait() override {
    note();
    inner_.wait();
  }
  void wait_stream() override {
    note();
    inner_.wait_stream();
  }
  [[nodiscard]] bool done() const override { return inner_.done(); }

  void wait_unnoted() { inner_.wait(); }
  /// Seconds, or `otherwise` where nobody has waited.
  [[nodiscard]] double awaited(double otherwise) const {
    const double time = awaited_;
    return time == kNever ? otherwise : time;
  }

 private:
  static constexpr double kNever = -1;

  void note() {
    double never = kNever;
    awaited_.compare_exchange_strong(never, origin_.seconds());
  }

  Work inner_;
  const Stopwatch& origin_;
  std::atomic<double> awaited_ = kNever;
};

TimedCommunicator::TimedCommunicator(Communicator& inner, const Stopwatch& origin)
    : inner_(inner), origin_(origin), watcher_([this] { watch(); }) {}

TimedCommunicator::~TimedCommunicator() {
  bool unfinished = false;
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
    unfinished = !pending_.empty();
  }
  // As every communicator: what is pending fails, so that nobody waits for ever.
  if (unfinished) inner_.abort("it was given up while its collectives were timed");
  changed_.notify_all();
  watcher_.join();
}

void TimedCommunicator::start() {
  const std::scoped_lock lock(mutex_);
  recording_ = true;
}

std::vector<RecordedCollective> TimedCommunicator::stop() {
  std::unique_lock lock(mutex_);
  recording_ = false;
  changed_.wait(lock, [this] { return pending_.empty(); });
  std::vector<RecordedCollective> records;
  for (Noted& noted : done_) {
    noted.record.awaited = noted.work->awaited(noted.record.end);
    records.push_back(std::move(noted.record));
  }
  done_.clear();
  return records;
}

Work TimedCommunicator::noted(const std::string& name, std::size_t bytes, double issued,
                              Work work) {
  std::shared_ptr<TimedWork> timed;
  {
    const std::scoped_lock lock(mutex_);
    if (!recording_) return work;
    timed = std::make_shared<TimedWork>(std::move(work), origin_);
    pending_.push_back({{.name = name, .size = Bytes{bytes}, .issued = issued}, timed});
  }
  changed_.notify_all();
  return Work(std::move(timed));
}

void TimedCommunicator::watch() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !pending_.empty(); });
    if (pending_.empty()) return;
    Noted& current = pending_.front();  // stays where it is: others only append
    lock.unlock();
    try {
      current.work->wait_unnoted();
    } catch (const std::exception&) {  // its issuer learns of it from its own wait
    }
    const double end = origin_.seconds();
    lock.lock();
    // Collectives of one communicator run one after the other.
    const double before = done_.empty() ? 0 : done_.back().record.end;
    current.record.begin = std::max(current.record.issued, before);
    current.record.end = end;
    done_.push_back(std::move(current));
    pending_.pop_front();
    changed_.notify_all();
  }
}

Work TimedCommunicator::all_reduce(at::Tensor buffer, ReduceOp op, OpName name) {
  const double issued = origin_.seconds();
  return noted(name.text, buffer.nbytes(), issued, inner_.all_reduce(buffer, op, name));
}

Work TimedCommunicator::reduce_scatter(at::Tensor output, at::Tensor input, ReduceOp op,
                                       OpName name) {
  const double issued = origin_.seconds();
  return noted(name.text, input.nbytes(), issued,
               inner_.reduce_scatter(std::move(output), input, op, name));
}

Work TimedCommunicator::all_gather(at::Tensor output, at::Tensor input, OpName name) {
  const double issued = origin_.seconds();
  return noted(name.text, output.nbytes(), issued,
               inner_.all_gather(output, std::move(input), name));
}

Work TimedCommunicator::all_gather_unequal(std::vector<at::Tensor> outputs, at::Tensor input,
                                           OpName name) {
  const double issued = origin_.seconds();
  std::size_t bytes = 0;
  for (const at::Tensor& output : outputs) bytes += output.nbytes();
  return noted(name.text, bytes, issued,
               inner_.all_gather_unequal(std::move(outputs), std::move(input), name));
}

Work TimedCommunicator::broadcast(at::Tensor buffer, int root, OpName name) {
  const double issued = origin_.seconds();
  return noted(name.text, buffer.nbytes(), issued, inner_.broadcast(buffer, root, name));
}

Work TimedCommunicator::barrier(OpName name) {
  const double issued = origin_.seconds();
  return noted(name.text, 0, issued, inner_.barrier(name));
}

std::unique_ptr<Communicator> TimedCommunicator::split(int color, int key) {
  return inner_.split(color, key);
}

}  // namespace dusk::launch
