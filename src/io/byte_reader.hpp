#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dusk/base/error.hpp"

namespace dusk {

/// Reads little-endian bytes from outside in order. Whatever goes beyond the end is a `DataError`
/// that begins with `origin`; nothing is copied. `bytes` belongs to somebody else.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string origin)
      : bytes_(bytes), origin_(std::move(origin)) {}

  /// The next `count` bytes.
  std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size() - at_) {
      fail<DataError>("{}: {} bytes are claimed at byte {}, {} are left (truncated?)", origin_,
                      count, at_, bytes_.size() - at_);
    }
    const auto taken = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += taken.size();
    return taken;
  }

  std::string_view text(std::uint64_t count) {
    const auto taken = take(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

  /// The text before the next line feed, which is passed over.
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_,
                                bytes_.size() - at_);
    const std::size_t length = rest.find('\n');
    const std::string_view found = text(length == std::string_view::npos ? rest.size() : length);
    take(1);
    return found;
  }

  template <std::unsigned_integral T>
  T number() {
    std::uint64_t value = 0;
    const auto taken = take(sizeof(T));
    for (std::size_t i = 0; i < taken.size(); ++i) {
      value |= std::to_integer<std::uint64_t>(taken[i]) << (8 * i);
    }
    return static_cast<T>(value);
  }

  void move_to(std::uint64_t position) {
    at_ = 0;
    take(position);
  }
  [[nodiscard]] std::size_t position() const noexcept { return at_; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }
  [[nodiscard]] const std::string& origin() const noexcept { return origin_; }

 private:
  std::span<const std::byte> bytes_;
  std::string origin_;
  std::size_t at_ = 0;
};

}  // namespace dusk
