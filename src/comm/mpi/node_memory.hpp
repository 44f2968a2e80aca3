#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "comm/mpi/mpi_group.hpp"

namespace dusk::comm {

/// Memory that all processes of one node see, zeroed. It has no name in the file system once it
/// exists, so that nothing is left behind however the processes end.
class NodeMemory {
 public:
  /// Collective over `group`, whose ranks are on one node. Null on all ranks when it cannot be had
  /// on some (no space in /dev/shm, or a container that does not share it).
  [[nodiscard]] static std::unique_ptr<NodeMemory> create(const MpiGroup& group, std::size_t bytes);
  ~NodeMemory();
  NodeMemory(const NodeMemory&) = delete;
  NodeMemory& operator=(const NodeMemory&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

 private:
  explicit NodeMemory(std::span<std::byte> bytes) : bytes_(bytes) {}
  std::span<std::byte> bytes_;
};

}  // namespace dusk::comm
