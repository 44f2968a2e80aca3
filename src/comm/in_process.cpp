#include "dusk/comm/in_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <thread>
#include <tuple>
#include <vector>

#include "comm/host_communicator.hpp"
#include "comm/membership.hpp"
#include "comm/shared_transport.hpp"
#include "dusk/base/error.hpp"

namespace dusk {
namespace {

using comm::ExchangeArea;
using comm::Operation;
using comm::Place;

/// Memory of an exchange area among threads: zeroed, aligned to a cache line.
class ThreadMemory {
 public:
  ThreadMemory(int ranks, Bytes chunk)
      : size_(ExchangeArea::memory_size(ranks, chunk)),
        bytes_(static_cast<std::byte*>(::operator new(size_, kAlignment))) {
    std::fill_n(bytes_, size_, std::byte{0});
  }
  ~ThreadMemory() { ::operator delete(bytes_, kAlignment); }
  ThreadMemory(const ThreadMemory&) = delete;
  ThreadMemory& operator=(const ThreadMemory&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const { return {bytes_, size_}; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  std::size_t size_;
  std::byte* bytes_;
};

/// Where the threads meet: the memory of every communicator that was made so far.
class Hub {
 public:
  /// Names one communicator: that it was split from, the how-manieth split of that, the color.
  using Key = std::tuple<std::uint64_t, std::uint64_t, std::int64_t>;
  struct Group {
    std::uint64_t id;
    std::shared_ptr<ThreadMemory> memory;
    int ranks;
  };

  explicit Hub(Bytes chunk) : chunk_(chunk) {}
  [[nodiscard]] Bytes chunk() const noexcept { return chunk_; }

  /// The group of that name; the first to ask creates it.
  Group group(const Key& key, int ranks) {
    const std::scoped_lock lock(mutex_);
    const auto found = groups_.find(key);
    if (found != groups_.end()) return found->second;
    const Group fresh{groups_.size() + 1, std::make_shared<ThreadMemory>(ranks, chunk_), ranks};
    return groups_.emplace(key, fresh).first->second;
  }

  void fail_all(const std::string& reason) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, group] : groups_) {
      ExchangeArea(group.memory->bytes(), group.ranks, 0, chunk_).fail(reason);
    }
  }

 private:
  Bytes chunk_;
  std::mutex mutex_;
  std::map<Key, Group> groups_;
};

class ThreadTransport final : public comm::SharedTransport {
 public:
  ThreadTransport(std::shared_ptr<Hub> hub, const Hub::Group& group, int rank)
      : SharedTransport(ExchangeArea(group.memory->bytes(), group.ranks, rank, hub->chunk()),
                        Place{rank, group.ranks, "this process"}),
        hub_(std::move(hub)),
        group_(group) {}

  [[nodiscard]] std::string description() const override {
    return fmt::format("ranks as threads, chunks of {}", to_string(hub_->chunk()));
  }

  [[nodiscard]] std::unique_ptr<HostTransport> split(int color, int key,
                                                     const Operation& operation) override {
    const auto ranks = static_cast<std::size_t>(place().size);
    std::vector<comm::SplitRequest> requests(ranks);
    std::vector<std::span<std::byte>> outputs;
    for (auto& request : requests)
      outputs.push_back(std::as_writable_bytes(std::span(&request, 1)));
    const comm::SplitRequest own{color, key};
    all_gather(outputs, std::as_bytes(std::span(&own, 1)), operation);

    const std::uint64_t number = splits_++;
    if (color < 0) return nullptr;
    const std::vector<int> members = comm::members_of(requests, color);
    const auto position = std::find(members.begin(), members.end(), place().rank);
    const Hub::Group group =
        hub_->group({group_.id, number, color}, static_cast<int>(members.size()));
    return std::make_unique<ThreadTransport>(hub_, group,
                                             static_cast<int>(position - members.begin()));
  }

 private:
  std::shared_ptr<Hub> hub_;
  Hub::Group group_;
  std::uint64_t splits_ = 0;
};

/// The exception that comes out of `run_in_process`: of the rank that failed first.
class FirstError {
 public:
  void note(std::exception_ptr error) {
    const std::scoped_lock lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace

void run_in_process(int ranks, const std::function<void(Communicator&)>& body,
                    const InProcessOptions& options) {
  if (ranks < 1) fail<InternalError>("{} ranks asked for, must be at least 1", ranks);
  const auto hub = std::make_shared<Hub>(options.chunk);
  const Hub::Group world = hub->group({0, 0, 0}, ranks);
  FirstError first_error;

  const auto run_rank = [&](int rank) {
    try {
      comm::HostCommunicator communicator(std::make_unique<ThreadTransport>(hub, world, rank),
                                          [] {});
      try {
        body(communicator);
      } catch (const std::exception& error) {
        first_error.note(std::current_exception());
        hub->fail_all(fmt::format("rank {}/{} failed: {}", rank, ranks, error.what()));
      }
    } catch (...) {
      first_error.note(std::current_exception());
      hub->fail_all(fmt::format("rank {}/{} could not start", rank, ranks));
    }
  };
  std::vector<std::thread> threads;
  for (int rank = 1; rank < ranks; ++rank) threads.emplace_back(run_rank, rank);
  run_rank(0);
  for (std::thread& thread : threads) thread.join();
  first_error.rethrow();
}

}  // namespace dusk
