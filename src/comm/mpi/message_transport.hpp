#pragma once

#include <mpi.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "comm/host_transport.hpp"
#include "comm/mpi/mpi_group.hpp"

namespace dusk::comm {

/// Collectives by MPI messages, for ranks on several nodes. All-reduce sends each rank the parts of
/// a chunk that it has to sum, sums in rank order, and sends the sums around: the same bits on all
/// ranks whatever algorithm MPI would choose, and bfloat16 in float32. Two chunks are under way at
/// a time. Counts are those of chunks, so MPI's `int` is never the limit of a tensor.
class MessageTransport : public HostTransport {
 public:
  /// `make_split` builds the transport of a part of the ranks (it may choose another kind).
  using MakeSplit = std::function<std::unique_ptr<HostTransport>(MpiGroup)>;
  /// Collective. `group` and `notes` are the same ranks; failures travel on `notes`.
  MessageTransport(MpiGroup group, MpiGroup notes, Place place, Bytes chunk, MakeSplit make_split);
  ~MessageTransport() override;

  [[nodiscard]] const Place& place() const noexcept override { return place_; }
  [[nodiscard]] std::string description() const override;
  void all_reduce(std::span<std::byte> buffer, const Operation& operation) override;
  void reduce_scatter(std::span<std::byte> output, std::span<const std::byte> input,
                      const Operation& operation) override;
  void all_gather(std::span<const std::span<std::byte>> outputs, std::span<const std::byte> input,
                  const Operation& operation) override;
  void broadcast(std::span<std::byte> buffer, const Operation& operation) override;
  void barrier(const Operation& operation) override;
  [[nodiscard]] std::unique_ptr<HostTransport> split(int color, int key,
                                                     const Operation& operation) override;
  void fail(std::string_view reason) noexcept override;
  [[nodiscard]] std::optional<std::string> failure() const override;

 private:
  using Requests = std::vector<MPI_Request>;

  [[nodiscard]] std::function<std::string()> where(const Operation& operation) const;
  void send(std::span<const std::byte> bytes, int rank, Requests& requests,
            const Operation& operation) const;
  void receive(std::span<std::byte> bytes, int rank, Requests& requests,
               const Operation& operation) const;
  /// Returns when all are done; throws when MPI or another rank reports a failure.
  void wait(Requests& requests, const Operation& operation);
  /// Waits until every rank is here with the same operation; throws on all ranks when not.
  void agree(const Operation& operation);
  /// Looks for a note of failure from another rank.
  void receive_note();
  void set_failure(std::string_view reason);

  static constexpr std::size_t kTextSize = 256;
  static constexpr std::size_t kNoteSize = 1024;
  /// What each rank is about to do: own and everybody's.
  struct Agreement {
    std::uint64_t own_hash = 0;
    std::vector<std::uint64_t> hashes;
    std::array<char, kTextSize> own_text{};
    std::vector<char> texts;
  };
  /// All memory that MPI itself reads or writes, besides the callers' tensors.
  struct Buffers {
    std::vector<std::byte> inbox;  ///< two chunks of what the others sent to be summed
    Agreement agreement;
    std::array<char, kNoteSize> incoming_note{};
    std::array<char, kNoteSize> outgoing_note{};
  };

  MpiGroup group_;
  MpiGroup notes_;
  Place place_;
  Bytes chunk_;
  MakeSplit make_split_;
  std::unique_ptr<Buffers> buffers_ = std::make_unique<Buffers>();
  MPI_Request note_request_ = MPI_REQUEST_NULL;

  mutable std::mutex failure_mutex_;
  std::optional<std::string> failure_;
  std::atomic<bool> failed_{false};
};

}  // namespace dusk::comm
