#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace dusk::test {

/// The lines of golden/optimizers.txt, which golden/make_optimizers.py wrote, by name.
inline std::map<std::string, std::vector<double>> golden_values() {
  std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "golden" / "optimizers.txt");
  std::map<std::string, std::vector<double>> cases;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    for (double value = 0; words >> value;) cases[name].push_back(value);
  }
  return cases;
}

}  // namespace dusk::test
