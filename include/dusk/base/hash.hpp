#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace dusk {

/// XXH3, 64 bits, seed 0: the checksum of every chunk, part and configuration. It finds damage; it
/// is no defence against somebody who wants a collision.
[[nodiscard]] std::uint64_t checksum64(std::span<const std::byte> bytes) noexcept;
[[nodiscard]] std::uint64_t checksum64(std::string_view text) noexcept;

/// The same checksum over bytes that arrive in pieces.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void update(std::span<const std::byte> bytes) noexcept;
  [[nodiscard]] std::uint64_t digest() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// 16 lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(std::uint64_t value);

}  // namespace dusk
