#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "comm/core_share.hpp"
#include "comm/host_communicator.hpp"
#include "comm/mpi/message_transport.hpp"
#include "comm/mpi/mpi_group.hpp"
#include "comm/mpi/mpi_state.hpp"
#include "comm/mpi/node_memory.hpp"
#include "comm/shared_transport.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/comm/mpi_runtime.hpp"

namespace dusk {
namespace {

using comm::ExchangeArea;
using comm::HostTransport;
using comm::MpiGroup;
using comm::NodeMemory;
using comm::Operation;
using comm::Place;
using RuntimeState = MpiRuntime::State;

/// Processes of one node. MPI is used only to make and to split it.
class NodeTransport final : public comm::SharedTransport {
 public:
  using MakeSplit = std::function<std::unique_ptr<HostTransport>(MpiGroup)>;

  NodeTransport(MpiGroup group, std::unique_ptr<NodeMemory> memory, const Place& place, Bytes chunk,
                MakeSplit make_split)
      : SharedTransport(ExchangeArea(memory->bytes(), place.size, place.rank, chunk), place),
        group_(std::move(group)),
        memory_(std::move(memory)),
        chunk_(chunk),
        cores_(comm::share_of(common_cores(group_), place.rank, place.size)),
        make_split_(std::move(make_split)) {}

  ~NodeTransport() override {
    if (failure()) group_.abandon();
  }

  /// The threads of the ranks wake each other hundreds of times in one operation; two of them were
  /// seen on one core beside a free one. What that costs was not measured by itself.
  void enter_thread() noexcept override { comm::keep_thread_on(cores_); }

  [[nodiscard]] std::string description() const override {
    return fmt::format("MPI ranks of one node, shared memory, chunks of {}", to_string(chunk_));
  }

  [[nodiscard]] std::unique_ptr<HostTransport> split(int color, int key,
                                                     const Operation& operation) override {
    barrier(operation);  // MPI_Comm_split waits without looking for failures: all are here now
    MpiGroup part = group_.split(color, key);
    return part ? make_split_(std::move(part)) : nullptr;
  }

 private:
  /// The cores of all ranks, where they have the same; none where a launcher has dealt them out.
  [[nodiscard]] static std::vector<int> common_cores(const MpiGroup& group) {
    const std::vector<int> own = comm::allowed_cores();
    const auto hash = static_cast<std::int64_t>(checksum64(std::as_bytes(std::span(own))) >> 1);
    const std::int64_t least = group.least(hash);
    const std::int64_t most = -group.least(-hash);
    return least == most ? own : std::vector<int>();
  }

  MpiGroup group_;
  std::unique_ptr<NodeMemory> memory_;
  Bytes chunk_;
  std::vector<int> cores_;  ///< of the communicator's thread
  MakeSplit make_split_;
};

/// Builds the transport of any group of ranks; collective over them.
class TransportMaker {
 public:
  TransportMaker(MpiOptions options, std::string host)
      : options_(options), host_(std::move(host)) {}

  [[nodiscard]] std::unique_ptr<HostTransport> operator()(MpiGroup group) const {
    const Place place{group.rank(), group.size(), host_};
    const auto make_split = [maker = *this](MpiGroup part) { return maker(std::move(part)); };
    if (options_.transport != MpiOptions::Transport::messages &&
        group.all_agree(group.on_this_node().size() == place.size)) {
      auto memory =
          NodeMemory::create(group, ExchangeArea::memory_size(place.size, options_.chunk));
      if (memory) {
        return std::make_unique<NodeTransport>(std::move(group), std::move(memory), place,
                                               options_.chunk, make_split);
      }
    }
    if (options_.transport == MpiOptions::Transport::shared_memory) {
      fail<CommError>(
          "{}: no memory can be shared with the other ranks (other nodes, or no space "
          "in /dev/shm)",
          to_string(place));
    }
    MpiGroup notes = group.duplicate();
    return std::make_unique<comm::MessageTransport>(std::move(group), std::move(notes), place,
                                                    options_.chunk, make_split);
  }

 private:
  MpiOptions options_;
  std::string host_;
};

/// The chunk that was asked for, or the one for the smallest cache of all ranks' machines.
Bytes choose_chunk(const MpiOptions& options, const RuntimeState& state, const MpiGroup& world) {
  constexpr Bytes kLeast{8};
  constexpr Bytes kMost = 1_GiB;  // its parts are counted in MPI's int
  if (options.chunk == Bytes{}) {
    const auto own = static_cast<std::int64_t>(exchange_chunk(state.core_cache).value);
    return Bytes{static_cast<std::size_t>(world.least(own))};
  }
  if (options.chunk < kLeast || options.chunk > kMost) {
    fail<ConfigError>("chunk of {} asked for, allowed are {} to {}", to_string(options.chunk),
                      to_string(kLeast), to_string(kMost));
  }
  return options.chunk;
}

}  // namespace

Bytes exchange_chunk(Bytes core_cache) {
  constexpr std::size_t kPiecesInCache = 8;
  if (core_cache == Bytes{}) return 128_KiB;
  const std::size_t piece = std::bit_floor(core_cache.value / kPiecesInCache);
  return std::clamp(Bytes{piece}, 64_KiB, 512_KiB);
}

std::unique_ptr<Communicator> make_mpi_communicator(MpiRuntime& runtime, Log& log,
                                                    const MpiOptions& options) {
  MpiGroup world = MpiGroup::copy_of(MPI_COMM_WORLD);
  const TransportMaker make(
      {.transport = options.transport, .chunk = choose_chunk(options, *runtime.state(), world)},
      runtime.launch().host);
  auto communicator = std::make_unique<comm::HostCommunicator>(
      make(std::move(world)), [registration = std::make_shared<Registration>(runtime.state())] {
        registration->state().failed = true;
      });
  if (runtime.launch().rank == 0) log.debug("communicator: {}", communicator->description());
  return communicator;
}

}  // namespace dusk
