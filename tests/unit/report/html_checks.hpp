#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace dusk::test {

/// Walks all tags of a page: each one that is opened must be closed in order, except those that end
/// in "/>" (we write empty elements so). A page that passes cannot have lost a quote or an escape.
inline void expect_balanced(std::string_view page) {
  std::vector<std::string> open;
  std::size_t at = page.find("<html");
  ASSERT_NE(at, std::string_view::npos);
  while ((at = page.find('<', at)) != std::string_view::npos) {
    const std::size_t end = page.find('>', at);
    ASSERT_NE(end, std::string_view::npos) << page.substr(at, 80);
    const std::string_view tag = page.substr(at + 1, end - at - 1);
    at = end;
    if (tag.starts_with('/')) {
      ASSERT_FALSE(open.empty()) << tag;
      ASSERT_EQ(open.back(), tag.substr(1));
      open.pop_back();
    } else if (!tag.ends_with('/')) {
      open.emplace_back(tag.substr(0, tag.find_first_of(" \n")));
    }
  }
  EXPECT_TRUE(open.empty()) << open.back();
}

/// Nothing that makes a browser run code or fetch something.
inline void expect_self_contained(std::string_view page) {
  for (const char* forbidden : {"<script", "<link", "<iframe", "src=\"http", "href=", "url(",
                                "javascript:", "onload=", "@import"}) {
    EXPECT_EQ(page.find(forbidden), std::string_view::npos) << forbidden;
  }
}

inline std::size_t count(std::string_view page, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = page.find(what, at)) != std::string_view::npos; ++at) ++found;
  return found;
}

}  // namespace dusk::test
