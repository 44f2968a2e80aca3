#pragma once

#include <memory>
#include <string>

#include "dusk/base/environment.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/log.hpp"
#include "dusk/base/units.hpp"
#include "dusk/comm/communicator.hpp"

namespace dusk {

/// Who this process is among those that were started together.
struct LaunchInfo {
  int rank = 0;  ///< global
  int size = 1;
  int local_rank = 0;  ///< on this node
  int local_size = 1;
  std::string host;
};

/// MPI of this process: started by the constructor, ended by the destructor, owned by `main()`,
/// one a process. Communicators made from it are destroyed before it.
class MpiRuntime {
 public:
  /// Starts MPI, also without a launcher as a single rank. `ConfigError` with the remedy when the
  /// environment says that N ranks were started but MPI knows only this one (an mpirun or srun of
  /// another MPI), or when MPI does not grant MPI_THREAD_MULTIPLE.
  explicit MpiRuntime(const Environment& environment);
  /// Ends MPI, which waits for the other ranks. During stack unwinding, or after a failed
  /// communicator, that could wait for ever: then it ends all ranks as `abort(internal)`.
  ~MpiRuntime();
  MpiRuntime(const MpiRuntime&) = delete;
  MpiRuntime& operator=(const MpiRuntime&) = delete;

  [[nodiscard]] const LaunchInfo& launch() const noexcept;
  /// For people: "Open MPI v4.1.4, ...".
  [[nodiscard]] std::string library() const;

  /// Collective. Ends MPI in order although a communicator has failed: for a program that knows
  /// that all its ranks are alive and about to leave, too. The destructor has nothing to do after
  /// it.
  void finish() noexcept;
  /// Ends every rank of the job now; the launcher returns `code`. For failure paths.
  [[noreturn]] void abort(ExitCode code) noexcept;

  struct State;
  [[nodiscard]] const std::shared_ptr<State>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<State> state_;
  bool finished_ = false;
};

/// How much of a buffer the ranks of a node exchange at once, where a core's second-level cache is
/// that large: the largest power of two of which eight fit in it (a rank's four slots, its three
/// pieces of the buffer that are being worked on, one slot of another rank), between 64 KiB and
/// 512 KiB; 128 KiB where the cache is unknown (0). Measured: see README.md beside this file.
[[nodiscard]] Bytes exchange_chunk(Bytes core_cache);

struct MpiOptions {
  /// `automatic`: shared memory when all ranks are on one node, messages otherwise.
  enum class Transport { automatic, shared_memory, messages };
  Transport transport = Transport::automatic;
  /// Part of a buffer that is exchanged at once; far below MPI's limit of INT_MAX elements.
  /// 0: the least `exchange_chunk` of all ranks' machines.
  Bytes chunk{};
};

/// A communicator over all ranks, for CPU tensors. Collective.
[[nodiscard]] std::unique_ptr<Communicator> make_mpi_communicator(MpiRuntime& runtime, Log& log,
                                                                  const MpiOptions& options = {});

}  // namespace dusk
