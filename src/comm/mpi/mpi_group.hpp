#pragma once

#include <mpi.h>

#include <cstdint>
#include <utility>

#include "comm/operation.hpp"

namespace dusk::comm {

/// Owns one MPI_Comm whose errors are return codes. Given back to MPI when it is destroyed, unless
/// it was abandoned: after a failure other ranks no longer take part in that.
class MpiGroup {
 public:
  explicit MpiGroup(MPI_Comm comm = MPI_COMM_NULL) noexcept : comm_(comm) {}
  MpiGroup(MpiGroup&& other) noexcept : comm_(std::exchange(other.comm_, MPI_COMM_NULL)) {}
  MpiGroup& operator=(MpiGroup&& other) noexcept {
    std::swap(comm_, other.comm_);
    return *this;
  }
  MpiGroup(const MpiGroup&) = delete;
  MpiGroup& operator=(const MpiGroup&) = delete;
  ~MpiGroup() {
    if (comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
  }

  [[nodiscard]] MPI_Comm get() const noexcept { return comm_; }
  [[nodiscard]] explicit operator bool() const noexcept { return comm_ != MPI_COMM_NULL; }
  void abandon() noexcept { comm_ = MPI_COMM_NULL; }

  [[nodiscard]] int rank() const;
  [[nodiscard]] int size() const;
  /// Collective. The same ranks with a message space of their own.
  [[nodiscard]] static MpiGroup copy_of(MPI_Comm comm);
  [[nodiscard]] MpiGroup duplicate() const { return copy_of(comm_); }
  /// Collective. Empty for a negative color.
  [[nodiscard]] MpiGroup split(int color, int key) const;
  /// Collective. The ranks on this node.
  [[nodiscard]] MpiGroup on_this_node() const;
  /// Collective: the least of all ranks' values.
  [[nodiscard]] std::int64_t least(std::int64_t value) const;
  /// Collective: true when it is true everywhere.
  [[nodiscard]] bool all_agree(bool value) const { return least(value ? 1 : 0) == 1; }

 private:
  MPI_Comm comm_;
};

}  // namespace dusk::comm
