#include "comm/shared_transport.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "comm/reduce.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"

namespace dusk::comm {
namespace {

using Stage = ExchangeArea::Stage;

/// Up to this size every rank reduces the whole buffer: one round of waiting instead of two.
constexpr std::size_t kSmall = 8192;

void copy_bytes(std::byte* target, const std::byte* source, std::size_t bytes) {
  if (bytes != 0 && target != source) std::memmove(target, source, bytes);
}

/// Part `rank` of a range that is dealt out to `ranks`.
struct Part {
  Part(std::size_t elements, int rank, int ranks)
      : begin(elements * static_cast<std::size_t>(rank) / static_cast<std::size_t>(ranks)),
        end(elements * static_cast<std::size_t>(rank + 1) / static_cast<std::size_t>(ranks)) {}
  std::size_t begin;
  std::size_t end;
};

std::uint32_t chunks_for(std::size_t elements, std::size_t elements_per_chunk) {
  const std::size_t count = (elements + elements_per_chunk - 1) / elements_per_chunk;
  return static_cast<std::uint32_t>(std::max<std::size_t>(count, 1));  // an empty one agrees too
}

}  // namespace

void SharedTransport::require(bool arrived, const Operation& operation) const {
  if (arrived) return;
  dusk::fail<CommError>("{}: {} was ended: {}", to_string(place_), operation.describe(),
                        area_.failure().value_or("no reason given"));
}

void SharedTransport::open(std::uint32_t chunk, const Operation& operation) const {
  require(area_.wait_all(Stage::emptied, chunk - ExchangeArea::kSlots), operation);
}

void SharedTransport::sign(std::uint32_t chunk, const Operation& operation) const {
  const std::string text = operation.signature();
  area_.sign(chunk, checksum64(text), text);
}

void SharedTransport::compare_signatures(std::uint32_t chunk, const Operation& operation) const {
  const std::uint64_t own = area_.signature_hash(place_.rank, chunk);
  for (int rank = 0; rank < place_.size; ++rank) {
    if (area_.signature_hash(rank, chunk) == own) continue;
    dusk::fail<CommError>(
        "{}: ranks do different things: this rank {}, rank {} {}. Every rank must issue the same "
        "operations in the same order, with equal shapes and types",
        to_string(place_), operation.signature(), rank, area_.signature_text(rank, chunk));
  }
}

void SharedTransport::all_reduce(std::span<std::byte> buffer, const Operation& operation) {
  if (buffer.size() <= std::min(kSmall, area_.capacity())) {
    return all_reduce_small(buffer, operation);
  }
  const std::size_t element = c10::elementSize(operation.type);
  const std::size_t elements = buffer.size() / element;
  const std::size_t per_chunk = area_.capacity() / element;
  const std::uint32_t count = chunks_for(elements, per_chunk);
  const std::uint32_t first = next_;
  next_ += count;

  const auto range = [&](std::uint32_t c) {
    const std::size_t begin = c * per_chunk;
    return buffer.subspan(begin * element, std::min(per_chunk, elements - begin) * element);
  };
  const auto copy_in = [&](std::uint32_t c) {
    const auto chunk = range(c);
    const Part own(chunk.size() / element, place_.rank, place_.size);
    open(first + c, operation);
    if (c == 0) sign(first, operation);
    std::byte* slot = area_.slot(place_.rank, first + c);
    copy_bytes(slot, chunk.data(), own.begin * element);
    copy_bytes(slot + own.end * element, chunk.data() + own.end * element,
               chunk.size() - own.end * element);
    area_.announce(Stage::filled, first + c);
  };
  std::vector<const std::byte*> sources(static_cast<std::size_t>(place_.size));
  const auto reduce_own = [&](std::uint32_t c) {
    const auto chunk = range(c);
    const Part own(chunk.size() / element, place_.rank, place_.size);
    require(area_.wait_all(Stage::filled, first + c), operation);
    if (c == 0) compare_signatures(first, operation);
    for (int rank = 0; rank < place_.size; ++rank) {
      const std::byte* begin = rank == place_.rank ? chunk.data() : area_.slot(rank, first + c);
      sources[static_cast<std::size_t>(rank)] = begin + own.begin * element;
    }
    std::byte* result = area_.slot(place_.rank, first + c) + own.begin * element;
    reduce_in_order(result, sources, own.end - own.begin, operation.type, operation.reduce);
    area_.announce(Stage::reduced, first + c);
    copy_bytes(chunk.data() + own.begin * element, result, (own.end - own.begin) * element);
  };
  const auto copy_out = [&](std::uint32_t c) {
    const auto chunk = range(c);
    for (int step = 1; step < place_.size; ++step) {
      const int rank = (place_.rank + step) % place_.size;
      const Part part(chunk.size() / element, rank, place_.size);
      require(area_.wait(Stage::reduced, rank, first + c), operation);
      copy_bytes(chunk.data() + part.begin * element,
                 area_.slot(rank, first + c) + part.begin * element,
                 (part.end - part.begin) * element);
    }
    area_.announce(Stage::emptied, first + c);
  };

  for (std::uint32_t step = 0; step < count + 2; ++step) {
    if (step < count) copy_in(step);
    if (step >= 1 && step - 1 < count) reduce_own(step - 1);
    if (step >= 2) copy_out(step - 2);
  }
}

void SharedTransport::all_reduce_small(std::span<std::byte> buffer, const Operation& operation) {
  const std::uint32_t chunk = next_++;
  open(chunk, operation);
  sign(chunk, operation);
  copy_bytes(area_.slot(place_.rank, chunk), buffer.data(), buffer.size());
  area_.announce(Stage::filled, chunk);
  require(area_.wait_all(Stage::filled, chunk), operation);
  compare_signatures(chunk, operation);
  std::vector<const std::byte*> sources;
  for (int rank = 0; rank < place_.size; ++rank) sources.push_back(area_.slot(rank, chunk));
  reduce_in_order(buffer.data(), sources, buffer.size() / c10::elementSize(operation.type),
                  operation.type, operation.reduce);
  area_.announce(Stage::emptied, chunk);
}

void SharedTransport::reduce_scatter(std::span<std::byte> output, std::span<const std::byte> input,
                                     const Operation& operation) {
  const std::size_t element = c10::elementSize(operation.type);
  const auto ranks = static_cast<std::size_t>(place_.size);
  const std::size_t elements = output.size() / element;
  const std::size_t per_chunk = area_.capacity() / element / ranks;
  const std::uint32_t count = chunks_for(elements, per_chunk);
  const std::uint32_t first = next_;
  next_ += count;

  const auto length = [&](std::uint32_t c) {
    return std::min(per_chunk, elements - c * per_chunk) * element;
  };
  const auto input_part = [&](std::uint32_t c, std::size_t rank) {
    return input.data() + rank * output.size() + c * per_chunk * element;
  };
  const auto copy_in = [&](std::uint32_t c) {
    open(first + c, operation);
    if (c == 0) sign(first, operation);
    std::byte* slot = area_.slot(place_.rank, first + c);
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      if (static_cast<int>(rank) == place_.rank) continue;
      copy_bytes(slot + rank * length(c), input_part(c, rank), length(c));
    }
    area_.announce(Stage::filled, first + c);
  };
  std::vector<const std::byte*> sources(ranks);
  const auto reduce_own = [&](std::uint32_t c) {
    require(area_.wait_all(Stage::filled, first + c), operation);
    if (c == 0) compare_signatures(first, operation);
    const auto own = static_cast<std::size_t>(place_.rank);
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      sources[rank] = rank == own ? input_part(c, own)
                                  : area_.slot(static_cast<int>(rank), first + c) + own * length(c);
    }
    reduce_in_order(output.data() + c * per_chunk * element, sources, length(c) / element,
                    operation.type, operation.reduce);
    area_.announce(Stage::emptied, first + c);
  };

  for (std::uint32_t step = 0; step < count + 1; ++step) {
    if (step < count) copy_in(step);
    if (step >= 1) reduce_own(step - 1);
  }
}

void SharedTransport::all_gather(std::span<const std::span<std::byte>> outputs,
                                 std::span<const std::byte> input, const Operation& operation) {
  std::size_t longest = 0;
  for (const auto output : outputs) longest = std::max(longest, output.size());
  const std::size_t per_chunk = area_.capacity();
  const std::uint32_t count = chunks_for(longest, per_chunk);
  const std::uint32_t first = next_;
  next_ += count;

  const auto length = [&](std::size_t total, std::uint32_t c) {
    const std::size_t begin = std::min(total, c * per_chunk);
    return std::min(per_chunk, total - begin);
  };
  const auto copy_in = [&](std::uint32_t c) {
    open(first + c, operation);
    if (c == 0) sign(first, operation);
    copy_bytes(area_.slot(place_.rank, first + c), input.data() + c * per_chunk,
               length(input.size(), c));
    area_.announce(Stage::filled, first + c);
  };
  const auto copy_out = [&](std::uint32_t c) {
    require(area_.wait_all(Stage::filled, first + c), operation);
    if (c == 0) compare_signatures(first, operation);
    for (int step = 0; step < place_.size; ++step) {
      const int rank = (place_.rank + step) % place_.size;
      const auto output = outputs[static_cast<std::size_t>(rank)];
      const std::size_t bytes = length(output.size(), c);
      if (bytes == 0) continue;
      const std::byte* source =
          rank == place_.rank ? input.data() + c * per_chunk : area_.slot(rank, first + c);
      copy_bytes(output.data() + c * per_chunk, source, bytes);
    }
    area_.announce(Stage::emptied, first + c);
  };

  for (std::uint32_t step = 0; step < count + 1; ++step) {
    if (step < count) copy_in(step);
    if (step >= 1) copy_out(step - 1);
  }
}

void SharedTransport::broadcast(std::span<std::byte> buffer, const Operation& operation) {
  const std::size_t per_chunk = area_.capacity();
  const std::uint32_t count = chunks_for(buffer.size(), per_chunk);
  const std::uint32_t first = next_;
  next_ += count;
  const auto range = [&](std::uint32_t c) {
    const std::size_t begin = c * per_chunk;
    return buffer.subspan(begin, std::min(per_chunk, buffer.size() - begin));
  };

  for (std::uint32_t c = 0; c < count; ++c) {
    const auto chunk = range(c);
    open(first + c, operation);
    if (c == 0) sign(first, operation);
    if (place_.rank == operation.root) {
      copy_bytes(area_.slot(place_.rank, first + c), chunk.data(), chunk.size());
    }
    area_.announce(Stage::filled, first + c);
    if (c == 0) {
      require(area_.wait_all(Stage::filled, first), operation);
      compare_signatures(first, operation);
    }
    if (place_.rank != operation.root) {
      require(area_.wait(Stage::filled, operation.root, first + c), operation);
      copy_bytes(chunk.data(), area_.slot(operation.root, first + c), chunk.size());
    }
    area_.announce(Stage::emptied, first + c);
  }
}

void SharedTransport::barrier(const Operation& operation) {
  const std::uint32_t chunk = next_++;
  open(chunk, operation);
  sign(chunk, operation);
  area_.announce(Stage::filled, chunk);
  require(area_.wait_all(Stage::filled, chunk), operation);
  compare_signatures(chunk, operation);
  area_.announce(Stage::emptied, chunk);
}

}  // namespace dusk::comm
