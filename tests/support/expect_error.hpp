#pragma once

#include <gtest/gtest.h>

#include <string>

namespace dusk::test {

/// The message of the `E` that `call` throws; a test failure and "" when it throws nothing, and the
/// exception itself when it is of another type.
template <class E, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  ADD_FAILURE() << "no error was raised";
  return "";
}

/// EXPECT that `text` holds `part`, showing both when it does not.
inline void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in:\n" << text;
}

}  // namespace dusk::test
