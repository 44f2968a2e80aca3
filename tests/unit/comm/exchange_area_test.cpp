#include "comm/exchange_area.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <new>
#include <thread>
#include <vector>

#include "dusk/base/error.hpp"

namespace dusk::comm {
namespace {

using Stage = ExchangeArea::Stage;

class Memory {
 public:
  Memory(int ranks, Bytes chunk)
      : ranks_(ranks), chunk_(chunk), lines_(ExchangeArea::memory_size(ranks, chunk) / 64 + 1) {}
  [[nodiscard]] ExchangeArea area(int rank) {
    return {std::as_writable_bytes(std::span(lines_)), ranks_, rank, chunk_};
  }

 private:
  struct alignas(64) Line {
    std::array<std::byte, 64> bytes{};
  };
  int ranks_;
  Bytes chunk_;
  std::vector<Line> lines_;
};

TEST(ExchangeArea, SlotsDoNotOverlap) {
  constexpr int kRanks = 3;
  Memory memory(kRanks, Bytes{100});
  const ExchangeArea area = memory.area(0);
  EXPECT_GE(area.capacity(), 100U);
  std::vector<std::byte*> begins;
  for (int rank = 0; rank < kRanks; ++rank) {
    for (std::uint32_t chunk = 0; chunk < ExchangeArea::kSlots; ++chunk) {
      begins.push_back(area.slot(rank, chunk));
      EXPECT_EQ(area.slot(rank, chunk), area.slot(rank, chunk + ExchangeArea::kSlots));
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(begins.back()) % 64, 0U);
    }
  }
  std::sort(begins.begin(), begins.end());
  for (std::size_t i = 1; i < begins.size(); ++i) {
    EXPECT_GE(begins[i] - begins[i - 1], static_cast<std::ptrdiff_t>(area.capacity()));
  }
}

TEST(ExchangeArea, HasRoomForAnElementOfEveryRank) {
  Memory memory(40, Bytes{8});
  EXPECT_GE(memory.area(0).capacity(), 40U * 8U);
}

TEST(ExchangeArea, RefusesTooLittleMemory) {
  std::array<std::byte, 256> little{};
  EXPECT_THROW(ExchangeArea(little, 2, 0, 1_KiB), InternalError);
}

TEST(ExchangeArea, WaitsForTheAnnouncement) {
  Memory memory(2, Bytes{64});
  const ExchangeArea mine = memory.area(0);
  const ExchangeArea other = memory.area(1);
  *other.slot(1, 0) = std::byte{1};
  std::thread announcer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    *other.slot(1, 0) = std::byte{42};
    other.announce(Stage::filled, 0);
  });
  EXPECT_TRUE(mine.wait(Stage::filled, 1, 0));
  EXPECT_EQ(*mine.slot(1, 0), std::byte{42});
  announcer.join();
}

/// Slots are free at the start, and again once all have emptied the chunk four before.
TEST(ExchangeArea, TheFirstChunksFindEmptySlots) {
  Memory memory(1, Bytes{64});
  const ExchangeArea area = memory.area(0);
  for (std::uint32_t chunk = 0; chunk < ExchangeArea::kSlots; ++chunk) {
    EXPECT_TRUE(area.wait_all(Stage::emptied, chunk - ExchangeArea::kSlots));
  }
  area.fail("nobody emptied chunk 0");
  EXPECT_FALSE(area.wait_all(Stage::emptied, 0));
}

/// Chunk numbers wrap after 2^32; order is kept across the wrap.
TEST(ExchangeArea, CountersMayWrap) {
  Memory memory(1, Bytes{64});
  const ExchangeArea area = memory.area(0);
  constexpr std::uint32_t kLast = std::numeric_limits<std::uint32_t>::max();
  for (const std::uint32_t begin : {0U, kLast / 2, kLast - 3}) area.announce(Stage::filled, begin);
  for (std::uint32_t chunk = kLast - 2; chunk != 5; ++chunk) {
    EXPECT_TRUE(area.wait(Stage::filled, 0, chunk - 1)) << chunk;
    area.announce(Stage::filled, chunk);
  }
  area.fail("chunk 5 never comes");
  EXPECT_FALSE(area.wait(Stage::filled, 0, 5));
}

TEST(ExchangeArea, TheFirstFailureStaysAndIsCutToItsPlace) {
  Memory memory(2, Bytes{64});
  EXPECT_EQ(memory.area(0).failure(), std::nullopt);
  memory.area(1).fail(std::string(5000, 'x'));
  memory.area(0).fail("second");
  const auto reason = memory.area(0).failure();
  ASSERT_TRUE(reason.has_value());
  EXPECT_GT(reason->size(), 500U);
  EXPECT_EQ(reason->find_first_not_of('x'), std::string::npos);
}

TEST(ExchangeArea, FailureWakesASleeper) {
  Memory memory(2, Bytes{64});
  const ExchangeArea mine = memory.area(0);
  std::thread failing([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    memory.area(1).fail("gone");
  });
  EXPECT_FALSE(mine.wait(Stage::reduced, 1, 0));
  failing.join();
}

}  // namespace
}  // namespace dusk::comm
