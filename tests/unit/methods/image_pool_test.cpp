#include "methods/image_pool.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

ImagePool make_pool(std::int64_t capacity, std::uint64_t seed = 1) {
  return {{.name = "pool", .capacity = capacity, .height = 2, .width = 2, .seed = seed}, at::kCPU};
}

/// Pictures of one grey each: their numbers from `first` on.
at::Tensor numbered(std::int64_t first, std::int64_t count) {
  return torch::arange(first, first + count, torch::kFloat)
      .view({-1, 1, 1, 1})
      .expand({-1, 3, 2, 2});
}

std::vector<int> numbers(const at::Tensor& pictures) {
  std::vector<int> result;
  for (std::int64_t i = 0; i < pictures.size(0); ++i) {
    EXPECT_TRUE(torch::equal(pictures[i], pictures[i][0][0][0].expand({3, 2, 2})));
    result.push_back(pictures[i][0][0][0].item<int>());
  }
  return result;
}

TEST(ImagePool, ShowsWhatIsNewUntilItIsFull) {
  ImagePool pool = make_pool(5);
  EXPECT_EQ(numbers(pool.exchange(numbered(0, 3), 0)), (std::vector<int>{0, 1, 2}));
  const auto next = numbers(pool.exchange(numbered(3, 3), 3));
  EXPECT_EQ(next[0], 3);
  EXPECT_EQ(next[1], 4);
}

/// Every picture is shown once at most, and an old one leaves the pool when it is shown.
TEST(ImagePool, ThenShowsOldOnesHalfOfTheTime) {
  ImagePool pool = make_pool(8);
  constexpr int kPictures = 2000;
  const auto shown = numbers(pool.exchange(numbered(0, kPictures), 0));
  EXPECT_EQ(std::set<int>(shown.begin() + 8, shown.end()).size(), shown.size() - 8);
  int old = 0;
  std::set<int> held{0, 1, 2, 3, 4, 5, 6, 7};
  for (int i = 8; i < kPictures; ++i) {
    const int picture = shown[static_cast<std::size_t>(i)];
    if (picture == i) continue;
    ++old;
    EXPECT_EQ(held.erase(picture), 1U) << picture;
    held.insert(i);
  }
  EXPECT_NEAR(old, kPictures / 2, 100);
}

TEST(ImagePool, DependsOnPositionsAndNotOnBatches) {
  ImagePool at_once = make_pool(4);
  ImagePool in_parts = make_pool(4);
  const auto expected = numbers(at_once.exchange(numbered(0, 24), 100));
  std::vector<int> got;
  for (const int size : {5, 1, 10, 8}) {
    const auto first = static_cast<std::int64_t>(got.size());
    for (const int n : numbers(
             in_parts.exchange(numbered(first, size), 100 + static_cast<std::uint64_t>(first)))) {
      got.push_back(n);
    }
  }
  EXPECT_EQ(got, expected);
  ImagePool elsewhere = make_pool(4);
  EXPECT_NE(numbers(elsewhere.exchange(numbered(0, 24), 200)), expected);
}

TEST(ImagePool, KeepsNothingWithoutPlace) {
  ImagePool pool = make_pool(0);
  EXPECT_EQ(numbers(pool.exchange(numbered(0, 9), 0)).back(), 8);
}

TEST(ImagePool, LeavesItsInputAlone) {
  ImagePool pool = make_pool(1);
  const at::Tensor pictures = numbered(0, 40).contiguous();
  const at::Tensor before = pictures.clone();
  const at::Tensor shown = pool.exchange(pictures, 0);
  EXPECT_TRUE(torch::equal(pictures, before));
  EXPECT_FALSE(torch::equal(shown, before));
}

TEST(ImagePool, RefusesAnotherSize) {
  ImagePool pool = make_pool(3);
  EXPECT_THROW((void)pool.exchange(torch::zeros({1, 3, 2, 4}), 0), InternalError);
}

}  // namespace
}  // namespace dusk
