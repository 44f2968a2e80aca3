#include "config/text.hpp"

#include <algorithm>
#include <vector>

namespace dusk {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Rows of the table of Damerau's optimal string alignment: before last, last, current.
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

std::optional<std::string_view> closest(std::string_view word,
                                        std::span<const std::string_view> candidates) {
  if (word.size() > 100) return std::nullopt;  // no typo, and the table would be large
  std::optional<std::string_view> best;
  std::size_t fewest = 0;
  for (const std::string_view candidate : candidates) {
    const std::size_t edits = edit_distance(word, candidate);
    // A third of a word may be wrong; one letter of a short one, unless nothing else is left of it.
    const std::size_t length = std::max(word.size(), candidate.size());
    const std::size_t allowed = std::max<std::size_t>(1, length / 3);
    if (edits > allowed || edits >= length || (best && edits >= fewest)) continue;
    best = candidate;
    fewest = edits;
  }
  return best;
}

std::string joined(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

}  // namespace dusk
