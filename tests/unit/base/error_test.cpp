#include "dusk/base/error.hpp"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>

namespace dusk {
namespace {

/// Batch scripts depend on these numbers.
TEST(Error, ExitCodesAreTheDocumentedOnes) {
  EXPECT_EQ(static_cast<int>(ExitCode::done), 0);
  EXPECT_EQ(static_cast<int>(ExitCode::usage), 64);
  EXPECT_EQ(static_cast<int>(ExitCode::data), 65);
  EXPECT_EQ(static_cast<int>(ExitCode::internal), 70);
  EXPECT_EQ(static_cast<int>(ExitCode::storage), 74);
  EXPECT_EQ(static_cast<int>(ExitCode::stopped), 75);
  EXPECT_EQ(static_cast<int>(ExitCode::communication), 76);
}

template <class E>
ExitCode code_of_thrown() {
  try {
    fail<E>("x");
  } catch (const Error& error) {
    return error.exit_code();
  }
}

TEST(Error, EachTypeHasItsCode) {
  EXPECT_EQ(code_of_thrown<ConfigError>(), ExitCode::usage);
  EXPECT_EQ(code_of_thrown<DataError>(), ExitCode::data);
  EXPECT_EQ(code_of_thrown<InternalError>(), ExitCode::internal);
  EXPECT_EQ(code_of_thrown<StorageError>(), ExitCode::storage);
  EXPECT_EQ(code_of_thrown<CommError>(), ExitCode::communication);
}

TEST(Error, TypesAreNotEachOther) {
  static_assert(!std::is_convertible_v<DataError*, ConfigError*>);
  static_assert(std::is_base_of_v<std::runtime_error, StorageError>);
  EXPECT_THROW(fail<DataError>("x"), DataError);
}

TEST(Error, FailFormatsItsMessage) {
  try {
    fail<ConfigError>("{} is {}, must be > {}", "optim.lr", -1.5, 0);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(std::string(error.what()), "optim.lr is -1.5, must be > 0");
  }
}

TEST(Error, BracesInArgumentsStayText) {
  try {
    fail<DataError>("{}", "sample {7}");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_EQ(std::string(error.what()), "sample {7}");
  }
}

}  // namespace
}  // namespace dusk
