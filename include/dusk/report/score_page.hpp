#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace dusk {

/// A score and whether its owner was chosen.
using ChosenScore = std::pair<double, bool>;

/// One self-contained page about a choice by scores: all scores in rising order, the chosen ones
/// marked, and what the choice was made by. `facts` are pairs of a word and a value.
[[nodiscard]] std::string score_page(const std::string& title,
                                     const std::vector<std::pair<std::string, std::string>>& facts,
                                     std::vector<ChosenScore> scores);

/// Publishes that page under `path`.
void write_score_page(const std::filesystem::path& path, const std::string& title,
                      const std::vector<std::pair<std::string, std::string>>& facts,
                      std::vector<ChosenScore> scores);

}  // namespace dusk
