#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/activity.hpp"
#include "dusk/base/units.hpp"
#include "dusk/comm/communicator.hpp"
#include "dusk/comm/flight_report.hpp"

namespace dusk {

/// The last collectives that this rank issued, on all of its communicators. A note costs one short
/// lock and, in the ring's steady state, no allocation. Safe from any thread; outlives the
/// communicators and the works that write into it.
class FlightRecorder {
 public:
  static constexpr std::size_t kCapacity = 512;
  using Clock = std::chrono::steady_clock;
  using Now = std::function<Clock::time_point()>;
  /// One noted collective.
  using Id = std::uint64_t;

  /// `activity` tells the phase and step of each note. `now` is for tests.
  explicit FlightRecorder(const ActivityBoard& activity, Now now = &Clock::now);
  ~FlightRecorder();
  FlightRecorder(const FlightRecorder&) = delete;
  FlightRecorder& operator=(const FlightRecorder&) = delete;

  /// A communicator whose collectives will be noted; `rank` and `size` as it counts them.
  [[nodiscard]] std::size_t add_communicator(std::string name, int rank, int size);
  /// Lets go of what is pending on a communicator that is about to be destroyed.
  void close_communicator(std::size_t communicator);

  /// A collective is about to be issued: it gets the communicator's next number.
  [[nodiscard]] Id issue(std::size_t communicator, std::string_view kind, const OpName& name,
                         Bytes bytes, std::string_view type);
  /// It was issued. The work is kept until it is seen to be done, which is looked at when the next
  /// one is issued and by every `snapshot` and `progress`.
  void attach(Id id, Work work);
  /// A host thread waits for it from now on.
  void wait(Id id);
  void finish(Id id, const std::exception_ptr& error);

  struct Snapshot {
    std::vector<CommunicatorReport> communicators;
    std::vector<CollectiveReport> collectives;  ///< oldest first
  };
  [[nodiscard]] Snapshot snapshot();
  /// Grows when a collective is issued or seen to be done.
  [[nodiscard]] std::uint64_t progress();

 private:
  struct Record;
  struct Channel;

  void sweep(Channel& channel);
  void settle(Id id, const std::exception_ptr& error);
  [[nodiscard]] Record* find(Id id);

  const ActivityBoard& activity_;
  Now now_;
  mutable std::mutex mutex_;
  std::vector<Record> ring_;
  Id next_ = 0;
  std::uint64_t progress_ = 0;
  std::vector<Channel> channels_;  ///< a communicator each
};

/// A communicator that does what `inner` does and notes it: the same tensors, order and errors.
/// What is split off is noted, too, under the name "NAME/split K color C".
[[nodiscard]] std::unique_ptr<Communicator> make_recording_communicator(
    std::unique_ptr<Communicator> inner, FlightRecorder& recorder, std::string name);

}  // namespace dusk
