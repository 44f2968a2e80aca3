#include <gtest/gtest.h>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  // A filter that matches nothing must not look like success.
  return testing::UnitTest::GetInstance()->test_to_run_count() == 0 ? 2 : failed;
}
