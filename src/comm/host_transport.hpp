#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "comm/operation.hpp"

namespace dusk::comm {

/// How the ranks of a host communicator move bytes. The collectives are called by one thread, the
/// communicator's own, in the same order on every rank; they return when this rank's part is done
/// and throw `CommError` when it cannot be. Spans are checked by the caller.
class HostTransport {
 public:
  HostTransport() = default;
  HostTransport(const HostTransport&) = delete;
  HostTransport& operator=(const HostTransport&) = delete;
  virtual ~HostTransport() = default;

  [[nodiscard]] virtual const Place& place() const noexcept = 0;
  [[nodiscard]] virtual std::string description() const = 0;

  /// Called first on the thread that will call the collectives.
  virtual void enter_thread() noexcept {}

  virtual void all_reduce(std::span<std::byte> buffer, const Operation& operation) = 0;
  virtual void reduce_scatter(std::span<std::byte> output, std::span<const std::byte> input,
                              const Operation& operation) = 0;
  /// outputs[r]: where rank r's input goes; of equal sizes or not, `input` may be outputs[rank].
  virtual void all_gather(std::span<const std::span<std::byte>> outputs,
                          std::span<const std::byte> input, const Operation& operation) = 0;
  virtual void broadcast(std::span<std::byte> buffer, const Operation& operation) = 0;
  virtual void barrier(const Operation& operation) = 0;
  /// A transport among the ranks of equal color >= 0, null for a negative one.
  [[nodiscard]] virtual std::unique_ptr<HostTransport> split(int color, int key,
                                                             const Operation& operation) = 0;

  /// Closes the transport on all ranks: waits that still miss something throw. Safe from any
  /// thread; the first reason stays.
  virtual void fail(std::string_view reason) noexcept = 0;
  /// The reason, once somebody has closed it.
  [[nodiscard]] virtual std::optional<std::string> failure() const = 0;
};

}  // namespace dusk::comm
