#include "dusk/base/hash.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dusk {
namespace {

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 131 + i / 7);
  return bytes;
}

/// Published values of XXH3_64bits with seed 0 (`xxhsum -H3`).
TEST(Hash, IsXxh3) {
  EXPECT_EQ(to_hex(checksum64(std::string_view(""))), "2d06800538d394c2");
  EXPECT_EQ(to_hex(checksum64(std::string_view("a"))), "e6c632b61e964e1f");
  EXPECT_EQ(to_hex(checksum64(std::string_view("abc"))), "78af5f94892f3950");
}

TEST(Hash, TextAndBytesAgree) {
  const std::string text = "what was written is what is read";
  EXPECT_EQ(checksum64(std::string_view(text)), checksum64(std::as_bytes(std::span(text))));
}

/// XXH3 takes other paths up to 16, 128, 240 bytes and beyond.
TEST(Hash, PiecesGiveTheChecksumOfTheWhole) {
  for (const std::size_t size : {0U, 1U, 16U, 17U, 128U, 129U, 240U, 241U, 1025U, 100'000U}) {
    const auto bytes = pattern(size);
    for (const std::size_t piece : {1U, 7U, 64U, 100'000U}) {
      Hasher hasher;
      for (std::size_t at = 0; at < size; at += piece) {
        hasher.update(std::span(bytes).subspan(at, std::min(piece, size - at)));
      }
      EXPECT_EQ(hasher.digest(), checksum64(bytes)) << size << " by " << piece;
    }
  }
}

TEST(Hash, DigestMayBeTakenOnTheWay) {
  const auto bytes = pattern(600);
  Hasher hasher;
  hasher.update(std::span(bytes).first(300));
  EXPECT_EQ(hasher.digest(), checksum64(std::span(bytes).first(300)));
  hasher.update(std::span(bytes).subspan(300));
  EXPECT_EQ(hasher.digest(), checksum64(bytes));
}

TEST(Hash, EveryFlippedBitIsFound) {
  auto bytes = pattern(300);
  const std::uint64_t intact = checksum64(bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(checksum64(bytes), intact) << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  EXPECT_NE(checksum64(std::span(bytes).first(299)), intact);
}

TEST(Hash, HexHasSixteenDigits) {
  EXPECT_EQ(to_hex(0), "0000000000000000");
  EXPECT_EQ(to_hex(0xABC), "0000000000000abc");
  EXPECT_EQ(to_hex(UINT64_MAX), "ffffffffffffffff");
}

}  // namespace
}  // namespace dusk
