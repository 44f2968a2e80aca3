#pragma once

#include <cstdint>

#include "comm/exchange_area.hpp"
#include "comm/host_transport.hpp"

namespace dusk::comm {

/// Collectives of ranks that share memory. A buffer is cut into chunks that stay in cache; of each
/// chunk every rank reduces one part, summing in rank order. While one chunk is being reduced the
/// next is already copied in and the one before copied out, so that ranks rarely wait.
///
/// Who owns the memory, and what a split means, is for the derived classes: threads of one process
/// or processes of one node.
class SharedTransport : public HostTransport {
 public:
  SharedTransport(ExchangeArea area, Place place) : area_(area), place_(std::move(place)) {}

  [[nodiscard]] const Place& place() const noexcept override { return place_; }
  void all_reduce(std::span<std::byte> buffer, const Operation& operation) override;
  void reduce_scatter(std::span<std::byte> output, std::span<const std::byte> input,
                      const Operation& operation) override;
  void all_gather(std::span<const std::span<std::byte>> outputs, std::span<const std::byte> input,
                  const Operation& operation) override;
  void broadcast(std::span<std::byte> buffer, const Operation& operation) override;
  void barrier(const Operation& operation) override;
  void fail(std::string_view reason) noexcept override { area_.fail(reason); }
  [[nodiscard]] std::optional<std::string> failure() const override { return area_.failure(); }

 protected:
  [[nodiscard]] const ExchangeArea& area() const noexcept { return area_; }

 private:
  void all_reduce_small(std::span<std::byte> buffer, const Operation& operation);
  /// Waits until this rank may write its slot of `chunk`.
  void open(std::uint32_t chunk, const Operation& operation) const;
  /// Signs the first chunk of an operation.
  void sign(std::uint32_t chunk, const Operation& operation) const;
  void require(bool arrived, const Operation& operation) const;
  void compare_signatures(std::uint32_t chunk, const Operation& operation) const;

  ExchangeArea area_;
  Place place_;
  std::uint32_t next_ = 0;  ///< number of the next chunk
};

}  // namespace dusk::comm
