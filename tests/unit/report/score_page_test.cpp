#include "dusk/report/score_page.hpp"

#include <gtest/gtest.h>

#include "support/expect_error.hpp"

namespace dusk {
namespace {

TEST(ScorePage, ShowsAllScoresAndTheChosenOnes) {
  const std::string page = score_page("night <select>", {{"rule", "15 < S & S < 20"}},
                                      {{19.0, true}, {7.0, false}, {16.0, true}, {40.0, false}});
  test::expect_contains(page, "night &lt;select&gt;");
  test::expect_contains(page, "15 &lt; S &amp; S &lt; 20");
  // In rising order: 7, 16, 19, 40 at places 0 to 3; the chosen ones at 1 and 2.
  test::expect_contains(page, "all candidates, step 3: 40");
  test::expect_contains(page, "chosen, step 1: 16");
  test::expect_contains(page, "chosen, step 2: 19");
  EXPECT_EQ(page.find("chosen, step 0"), std::string::npos);
}

}  // namespace
}  // namespace dusk
