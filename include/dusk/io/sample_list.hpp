#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dusk {

/// A sample of a set and what a rule thought of it.
struct ListedSample {
  std::string name;
  double score = 0;  ///< finite
  bool chosen = false;
};

/// What `dusk select` writes and filters of samples read.
struct SampleList {
  std::string made_by;  ///< a JSON object: the rule, its numbers, what it was applied to
  std::vector<ListedSample> samples;
};

/// Publishes the list as JSON, a sample a line:
/// {"format": "dusk-sample-list", "version": 1, "made_by": {...}, "candidates": n, "chosen": m,
///  "samples": [{"name": "a", "score": 17.25, "chosen": true}, ...]}
/// Scores are written so that reading gives the same number.
void write_sample_list(const std::filesystem::path& path, const SampleList& list);

/// Reads that, or a plain text: a name a line, all chosen, empty lines and those that begin with
/// '#' left out. `StorageError` where the file cannot be read; `DataError` naming file and place
/// for a name twice, a list that chooses nothing, and anything else that is none.
[[nodiscard]] SampleList read_sample_list(const std::filesystem::path& path);

/// In the order of the list.
[[nodiscard]] std::vector<std::string> chosen_names(const SampleList& list);

}  // namespace dusk
