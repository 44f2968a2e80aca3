#include "dusk/base/hash.hpp"

#include <fmt/core.h>

// Inlined: the state lives on our side and the fastest code path is chosen at compile time.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace dusk {

std::uint64_t checksum64(std::span<const std::byte> bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t checksum64(std::string_view text) noexcept {
  return XXH3_64bits(text.data(), text.size());
}

struct Hasher::State {
  XXH3_state_t xxh;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  XXH3_64bits_reset(&state_->xxh);
}
Hasher::~Hasher() = default;

void Hasher::update(std::span<const std::byte> bytes) noexcept {
  XXH3_64bits_update(&state_->xxh, bytes.data(), bytes.size());
}

std::uint64_t Hasher::digest() const noexcept {
  return XXH3_64bits_digest(&state_->xxh);
}

std::string to_hex(std::uint64_t value) {
  return fmt::format("{:016x}", value);
}

}  // namespace dusk
