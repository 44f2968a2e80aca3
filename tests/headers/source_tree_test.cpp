#include "headers/source_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "headers/source_rules.hpp"

namespace dusk::lint {
namespace {

using Rule = std::function<Violations(const SourceFile&)>;

bool is_cpp(std::string_view path) {
  return path.ends_with(".hpp") || path.ends_with(".cpp");
}

/// Applies a rule to the whole tree. A rule that was shown nothing has proved nothing.
class SourceTree : public testing::Test {
 protected:
  template <class Predicate>
  void expect_clean(const Rule& rule, std::size_t fewest, const Predicate& concerns) const {
    std::size_t seen = 0;
    for (const SourceFile& file : files_) {
      if (!concerns(file.path)) continue;
      ++seen;
      for (const std::string& violation : rule(file)) ADD_FAILURE() << violation;
    }
    EXPECT_GE(seen, fewest) << "the rule looked at hardly any file of " << DUSK_SOURCE_TREE;
  }

 private:
  std::vector<SourceFile> files_ = read_source_tree(DUSK_SOURCE_TREE);
};

TEST_F(SourceTree, NoIncludePointsUpward) {
  expect_clean(check_layers, 100,
               [](std::string_view path) { return is_cpp(path) && !layer_of(path).empty(); });
}

TEST_F(SourceTree, ThirdPartyHeadersStayInTheLayersThatWrapThem) {
  expect_clean(check_third_party, 150, is_cpp);
}

TEST_F(SourceTree, EnvironmentVariablesAreReadInOnePlace) {
  expect_clean(check_environment, 150, is_cpp);
}

TEST_F(SourceTree, PublicHeadersIncludeTheStandardHeadersTheyUse) {
  expect_clean(check_standard_headers, 50,
               [](std::string_view path) { return path.starts_with("include/"); });
}

TEST_F(SourceTree, NoFileIsLong) {
  expect_clean(check_length, 200, [](std::string_view) { return true; });
}

}  // namespace
}  // namespace dusk::lint
