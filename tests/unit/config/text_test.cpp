#include "config/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "dusk/base/random.hpp"

namespace dusk {
namespace {

/// The definition, written down as a recursion over the last characters.
std::size_t slow_distance(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.size() + b.size();
  const auto a1 = a.substr(0, a.size() - 1);
  const auto b1 = b.substr(0, b.size() - 1);
  std::size_t best = slow_distance(a1, b1) + (a.back() == b.back() ? 0 : 1);
  best = std::min({best, slow_distance(a1, b) + 1, slow_distance(a, b1) + 1});
  if (a.size() > 1 && b.size() > 1 && a.back() == b1.back() && a1.back() == b.back()) {
    best = std::min(best, slow_distance(a.substr(0, a.size() - 2), b.substr(0, b.size() - 2)) + 1);
  }
  return best;
}

TEST(Text, EditDistanceOfKnownPairs) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("warmup", "warmup"), 0U);
  EXPECT_EQ(edit_distance("warmpu", "warmup"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("", "lr"), 2U);
}

TEST(Text, EditDistanceFollowsItsDefinition) {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    std::array<std::string, 2> words;
    for (std::string& word : words) {
      word.resize(static_cast<std::size_t>(random.integer(0, 6)));
      for (char& c : word) c = static_cast<char>('a' + random.integer(0, 2));
    }
    EXPECT_EQ(edit_distance(words[0], words[1]), slow_distance(words[0], words[1]))
        << words[0] << " " << words[1];
  }
}

TEST(Text, ClosestTakesTheNearestWithinReason) {
  constexpr std::array<std::string_view, 5> kKeys = {"warmup", "weight_decay", "lr", "momentum",
                                                     "warmups"};
  EXPECT_EQ(closest("warmpu", kKeys), "warmup");
  EXPECT_EQ(closest("weigth_dekay", kKeys), "weight_decay");
  EXPECT_EQ(closest("rl", kKeys), "lr");
  EXPECT_EQ(closest("learning_rate", kKeys), std::nullopt);
  EXPECT_EQ(closest("xy", kKeys), std::nullopt);
  EXPECT_EQ(closest("", kKeys), std::nullopt);
  EXPECT_EQ(closest(std::string(100'000, 'w'), kKeys), std::nullopt);
}

TEST(Text, JoinedWords) {
  EXPECT_EQ(joined(std::array<std::string_view, 3>{"a", "b", "c"}), "a, b, c");
  EXPECT_EQ(joined({}), "");
}

}  // namespace
}  // namespace dusk
