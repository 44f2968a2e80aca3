#include "comm/mpi/message_transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "comm/mpi/mpi_check.hpp"
#include "comm/reduce.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"

namespace dusk::comm {
namespace {

constexpr int kDataTag = 1;
constexpr int kNoteTag = 2;

/// Waiting for messages: MPI only makes progress while it is asked, but asking without a pause
/// takes a core from the training step.
class Patience {
 public:
  void pause() {
    ++rounds_;
    if (rounds_ < kEager) return;
    if (rounds_ < kYielding) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(kNap);
    }
  }

 private:
  static constexpr int kEager = 50;
  static constexpr int kYielding = 200;
  static constexpr std::chrono::microseconds kNap{50};
  int rounds_ = 0;
};

/// Elements [begin, end) of a chunk that one rank sums.
struct Part {
  Part(std::size_t elements, int rank, int ranks)
      : begin(elements * static_cast<std::size_t>(rank) / static_cast<std::size_t>(ranks)),
        end(elements * static_cast<std::size_t>(rank + 1) / static_cast<std::size_t>(ranks)) {}
  [[nodiscard]] std::size_t size() const { return end - begin; }
  std::size_t begin;
  std::size_t end;
};

std::size_t chunks_for(std::size_t total, std::size_t per_chunk) {
  return (total + per_chunk - 1) / per_chunk;
}

}  // namespace

MessageTransport::MessageTransport(MpiGroup group, MpiGroup notes, Place place, Bytes chunk,
                                   MakeSplit make_split)
    : group_(std::move(group)),
      notes_(std::move(notes)),
      place_(std::move(place)),
      chunk_(chunk),
      make_split_(std::move(make_split)) {
  check_mpi(MPI_Irecv(buffers_->incoming_note.data(), kNoteSize, MPI_CHAR, MPI_ANY_SOURCE, kNoteTag,
                      notes_.get(), &note_request_),
            [this] { return to_string(place_) + ": listening for failures"; });
}

MessageTransport::~MessageTransport() {
  if (failed_) {
    // Requests may still be under way and the other ranks gone: MPI keeps its groups and the memory
    // that it may yet write to, and the process leaves through MpiRuntime::abort.
    group_.abandon();
    notes_.abandon();
    [[maybe_unused]] const Buffers* kept = buffers_.release();
    return;
  }
  MPI_Cancel(&note_request_);
  MPI_Wait(&note_request_, MPI_STATUS_IGNORE);
}

std::string MessageTransport::description() const {
  return fmt::format("MPI messages, chunks of {}", dusk::to_string(chunk_));
}

std::function<std::string()> MessageTransport::where(const Operation& operation) const {
  return
      [this, &operation] { return fmt::format("{}: {}", to_string(place_), operation.describe()); };
}

void MessageTransport::send(std::span<const std::byte> bytes, int rank, Requests& requests,
                            const Operation& operation) const {
  if (bytes.empty() || rank == place_.rank) return;
  requests.push_back(MPI_REQUEST_NULL);
  check_mpi(MPI_Isend(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, rank, kDataTag,
                      group_.get(), &requests.back()),
            where(operation));
}

void MessageTransport::receive(std::span<std::byte> bytes, int rank, Requests& requests,
                               const Operation& operation) const {
  if (bytes.empty() || rank == place_.rank) return;
  requests.push_back(MPI_REQUEST_NULL);
  check_mpi(MPI_Irecv(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, rank, kDataTag,
                      group_.get(), &requests.back()),
            where(operation));
}

void MessageTransport::wait(Requests& requests, const Operation& operation) {
  Patience patience;
  for (;;) {
    int done = 0;
    check_mpi(
        MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE),
        where(operation));
    if (done != 0) break;
    receive_note();
    if (failed_) {
      dusk::fail<CommError>("{} was ended: {}", where(operation)(),
                            failure().value_or("no reason given"));
    }
    patience.pause();
  }
  requests.clear();
}

void MessageTransport::agree(const Operation& operation) {
  const std::string text = operation.signature();
  const auto ranks = static_cast<std::size_t>(place_.size);
  auto& [own_hash, hashes, own_text, texts] = buffers_->agreement;
  own_hash = checksum64(text);
  hashes.resize(ranks);
  Requests requests(1, MPI_REQUEST_NULL);
  check_mpi(MPI_Iallgather(&own_hash, 1, MPI_UINT64_T, hashes.data(), 1, MPI_UINT64_T, group_.get(),
                           requests.data()),
            where(operation));
  wait(requests, operation);
  const auto other = std::find_if(hashes.begin(), hashes.end(),
                                  [&](std::uint64_t hash) { return hash != hashes.front(); });
  if (other == hashes.end()) return;

  // Every rank sees the same hashes, so every rank comes here.
  texts.assign(ranks * kTextSize, '\0');
  own_text.fill('\0');
  std::memcpy(own_text.data(), text.data(), std::min(text.size(), kTextSize - 1));
  requests.assign(1, MPI_REQUEST_NULL);
  check_mpi(MPI_Iallgather(own_text.data(), kTextSize, MPI_CHAR, texts.data(), kTextSize, MPI_CHAR,
                           group_.get(), requests.data()),
            where(operation));
  wait(requests, operation);
  const auto odd = static_cast<std::size_t>(other - hashes.begin());
  dusk::fail<CommError>(
      "{}: ranks do different things: rank 0 {}, rank {} {}. Every rank must issue the same "
      "operations in the same order, with equal shapes and types",
      to_string(place_), texts.data(), odd, texts.data() + odd * kTextSize);
}

void MessageTransport::all_reduce(std::span<std::byte> buffer, const Operation& operation) {
  agree(operation);
  const std::size_t element = c10::elementSize(operation.type);
  const std::size_t elements = buffer.size() / element;
  const std::size_t per_chunk = std::max<std::size_t>(chunk_.value / element, 1);
  const std::size_t count = chunks_for(elements, per_chunk);
  const auto ranks = static_cast<std::size_t>(place_.size);
  const std::size_t largest_part = (per_chunk / ranks + 1) * element;
  buffers_->inbox.resize(2 * ranks * largest_part);

  const auto chunk_of = [&](std::size_t c) {
    const std::size_t begin = c * per_chunk;
    return buffer.subspan(begin * element, std::min(per_chunk, elements - begin) * element);
  };
  const auto part_of = [&](std::size_t c, int rank) {
    const auto chunk = chunk_of(c);
    const Part part(chunk.size() / element, rank, place_.size);
    return chunk.subspan(part.begin * element, part.size() * element);
  };
  const auto inbox = [&](std::size_t c, int rank) {
    const std::size_t slot = (c % 2) * ranks + static_cast<std::size_t>(rank);
    return std::span(buffers_->inbox).subspan(slot * largest_part, part_of(c, place_.rank).size());
  };

  std::array<Requests, 2> scattering;
  std::array<Requests, 2> gathering;
  const auto scatter = [&](std::size_t c) {
    for (int rank = 0; rank < place_.size; ++rank) {
      receive(inbox(c, rank), rank, scattering[c % 2], operation);
      send(part_of(c, rank), rank, scattering[c % 2], operation);
    }
  };
  std::vector<const std::byte*> sources(ranks);
  const auto reduce_and_gather = [&](std::size_t c) {
    wait(scattering[c % 2], operation);
    const auto own = part_of(c, place_.rank);
    for (int rank = 0; rank < place_.size; ++rank) {
      sources[static_cast<std::size_t>(rank)] =
          rank == place_.rank ? own.data() : inbox(c, rank).data();
    }
    reduce_in_order(own.data(), sources, own.size() / element, operation.type, operation.reduce);
    for (int rank = 0; rank < place_.size; ++rank) {
      receive(part_of(c, rank), rank, gathering[c % 2], operation);
      send(own, rank, gathering[c % 2], operation);
    }
  };

  for (std::size_t step = 0; step < count + 2; ++step) {
    if (step < count) scatter(step);
    if (step >= 1 && step - 1 < count) reduce_and_gather(step - 1);
    if (step >= 2) wait(gathering[step % 2], operation);
  }
}

void MessageTransport::reduce_scatter(std::span<std::byte> output, std::span<const std::byte> input,
                                      const Operation& operation) {
  agree(operation);
  const std::size_t element = c10::elementSize(operation.type);
  const auto ranks = static_cast<std::size_t>(place_.size);
  const std::size_t per_chunk = std::max<std::size_t>(chunk_.value / element, 1) * element;
  buffers_->inbox.resize(ranks * per_chunk);
  std::vector<const std::byte*> sources(ranks);
  Requests requests;
  for (std::size_t begin = 0; begin < output.size(); begin += per_chunk) {
    const std::size_t bytes = std::min(per_chunk, output.size() - begin);
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      const auto part = input.subspan(rank * output.size() + begin, bytes);
      const auto arrival = std::span(buffers_->inbox).subspan(rank * per_chunk, bytes);
      receive(arrival, static_cast<int>(rank), requests, operation);
      send(part, static_cast<int>(rank), requests, operation);
      sources[rank] = static_cast<int>(rank) == place_.rank ? part.data() : arrival.data();
    }
    wait(requests, operation);
    reduce_in_order(output.data() + begin, sources, bytes / element, operation.type,
                    operation.reduce);
  }
}

void MessageTransport::all_gather(std::span<const std::span<std::byte>> outputs,
                                  std::span<const std::byte> input, const Operation& operation) {
  agree(operation);
  const auto own = outputs[static_cast<std::size_t>(place_.rank)];
  if (!input.empty() && own.data() != input.data()) {
    std::memmove(own.data(), input.data(), input.size());
  }
  std::size_t longest = 0;
  for (const auto output : outputs) longest = std::max(longest, output.size());
  const auto piece = [&](auto bytes, std::size_t begin) {
    const std::size_t first = std::min(begin, bytes.size());
    return bytes.subspan(first, std::min(chunk_.value, bytes.size() - first));
  };
  Requests requests;
  for (std::size_t begin = 0; begin < longest; begin += chunk_.value) {
    for (int rank = 0; rank < place_.size; ++rank) {
      receive(piece(outputs[static_cast<std::size_t>(rank)], begin), rank, requests, operation);
      send(piece(own, begin), rank, requests, operation);
    }
    wait(requests, operation);
  }
}

void MessageTransport::broadcast(std::span<std::byte> buffer, const Operation& operation) {
  agree(operation);
  std::array<Requests, 2> under_way;
  const std::size_t count = chunks_for(buffer.size(), chunk_.value);
  for (std::size_t c = 0; c < count; ++c) {
    Requests& requests = under_way[c % 2];
    if (c >= 2) wait(requests, operation);
    const auto chunk =
        buffer.subspan(c * chunk_.value, std::min(chunk_.value, buffer.size() - c * chunk_.value));
    requests.push_back(MPI_REQUEST_NULL);
    check_mpi(MPI_Ibcast(chunk.data(), static_cast<int>(chunk.size()), MPI_BYTE, operation.root,
                         group_.get(), &requests.back()),
              where(operation));
  }
  for (Requests& requests : under_way) wait(requests, operation);
}

void MessageTransport::barrier(const Operation& operation) {
  agree(operation);
}

std::unique_ptr<HostTransport> MessageTransport::split(int color, int key,
                                                       const Operation& operation) {
  agree(operation);  // MPI_Comm_split waits without looking for failures: all are here already
  MpiGroup part = group_.split(color, key);
  return part ? make_split_(std::move(part)) : nullptr;
}

void MessageTransport::set_failure(std::string_view reason) {
  const std::scoped_lock lock(failure_mutex_);
  if (!failure_) failure_ = std::string(reason);
  failed_ = true;
}

void MessageTransport::receive_note() {
  if (failed_) return;
  int arrived = 0;
  check_mpi(MPI_Test(&note_request_, &arrived, MPI_STATUS_IGNORE),
            [this] { return to_string(place_) + ": listening for failures"; });
  if (arrived != 0) set_failure(buffers_->incoming_note.data());
}

void MessageTransport::fail(std::string_view reason) noexcept {
  {
    const std::scoped_lock lock(failure_mutex_);
    if (failure_) return;
    failure_ = std::string(reason);
  }
  const std::size_t length = std::min(reason.size(), kNoteSize - 1);
  std::memcpy(buffers_->outgoing_note.data(), reason.data(), length);
  for (int rank = 0; rank < place_.size; ++rank) {
    if (rank == place_.rank) continue;
    // Not looked at: whom this does not reach is ended by the launcher.
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Isend(buffers_->outgoing_note.data(), kNoteSize, MPI_CHAR, rank, kNoteTag, notes_.get(),
              &request);
    if (request != MPI_REQUEST_NULL) MPI_Request_free(&request);
  }
  failed_ = true;
}

std::optional<std::string> MessageTransport::failure() const {
  const std::scoped_lock lock(failure_mutex_);
  return failure_;
}

}  // namespace dusk::comm
