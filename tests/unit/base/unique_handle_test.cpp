#include "dusk/base/unique_handle.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace dusk {
namespace {

/// A C library whose handles are numbers; it notes what it was told to destroy.
std::vector<int>& destroyed() {
  static std::vector<int> handles;
  return handles;
}
void destroy(int handle) noexcept {
  destroyed().push_back(handle);
}

using Handle = UniqueHandle<int, -1, &destroy>;
using Handles = std::vector<int>;

class UniqueHandleTest : public testing::Test {
 protected:
  void SetUp() override { destroyed().clear(); }
};

TEST_F(UniqueHandleTest, DestroysOnceAtTheEndOfItsScope) {
  {
    const Handle handle(7);
    EXPECT_TRUE(handle);
    EXPECT_EQ(handle.get(), 7);
    EXPECT_EQ(destroyed(), Handles{});
  }
  EXPECT_EQ(destroyed(), Handles{7});
}

TEST_F(UniqueHandleTest, NoneIsNotDestroyed) {
  {
    Handle handle;
    EXPECT_FALSE(handle);
    handle.reset();
  }
  EXPECT_EQ(destroyed(), Handles{});
}

TEST_F(UniqueHandleTest, ZeroIsAHandleLikeAnyOther) {
  { const Handle handle(0); }
  EXPECT_EQ(destroyed(), Handles{0});
}

TEST_F(UniqueHandleTest, MovingPassesTheHandleOn) {
  {
    Handle first(1);
    const Handle second(std::move(first));
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): the state after a move is the subject
    EXPECT_EQ(second.get(), 1);
    EXPECT_EQ(destroyed(), Handles{});
  }
  EXPECT_EQ(destroyed(), Handles{1});
}

TEST_F(UniqueHandleTest, AssigningDestroysWhatWasThere) {
  Handle target(1);
  Handle source(2);
  target = std::move(source);
  EXPECT_EQ(destroyed(), Handles{1});
  EXPECT_EQ(target.get(), 2);
  EXPECT_FALSE(source);  // NOLINT(bugprone-use-after-move)
}

TEST_F(UniqueHandleTest, AssigningToItselfKeepsTheHandle) {
  Handle handle(3);
  Handle& same = handle;
  handle = std::move(same);
  EXPECT_EQ(handle.get(), 3);
  EXPECT_EQ(destroyed(), Handles{});
}

TEST_F(UniqueHandleTest, ResetDestroysOnce) {
  Handle handle(4);
  handle.reset();
  handle.reset();
  EXPECT_FALSE(handle);
  EXPECT_EQ(destroyed(), Handles{4});
}

TEST_F(UniqueHandleTest, CanMoveAndNotCopy) {
  static_assert(!std::is_copy_constructible_v<Handle>);
  static_assert(!std::is_copy_assignable_v<Handle>);
  static_assert(std::is_nothrow_move_constructible_v<Handle>);
  static_assert(std::is_nothrow_move_assignable_v<Handle>);
  std::vector<Handle> handles;
  for (int i = 0; i < 10; ++i) handles.emplace_back(i);
  EXPECT_EQ(destroyed(), Handles{}) << "a growing vector must move";
}

TEST_F(UniqueHandleTest, DescriptorsAreClosed) {
  int number = -1;
  {
    const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(file);
    number = file.get();
    EXPECT_NE(::fcntl(number, F_GETFD), -1);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace dusk
