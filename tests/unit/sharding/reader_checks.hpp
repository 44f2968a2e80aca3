#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "dusk/base/error.hpp"
#include "sharding/source.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"
#include "unit/sharding/tiny_trees.hpp"

namespace dusk::test {

inline std::map<std::string, sharding::SourceSample> by_name(
    const sharding::SourceDataset& dataset) {
  std::map<std::string, sharding::SourceSample> samples;
  for (const auto& sample : dataset.samples) samples[sample.name] = sample;
  EXPECT_EQ(samples.size(), dataset.samples.size()) << "a name occurs twice";
  return samples;
}

/// One line a sample, in the order of the data set: "NAME role time sequence label pair", where the
/// label is told by "+" or "-", and an empty text by ".".
inline std::vector<std::string> lines_of(const sharding::SourceDataset& dataset) {
  const auto shown = [](const std::string& text) { return text.empty() ? "." : text; };
  std::vector<std::string> lines;
  for (const auto& s : dataset.samples)
    lines.push_back(s.name + " " + shown(s.role) + " " + shown(s.time_of_day) + " " +
                    shown(s.sequence) + " " + (s.label.empty() ? "-" : "+") + " " + shown(s.pair));
  return lines;
}

using Lines = std::vector<std::string>;

/// The message of the `DataError` (or the error named) of listing.
template <class E = DataError>
std::string listing_error(const std::string& reader, const sharding::ReaderOptions& options) {
  return message_of<E>([&] { (void)sharding::list_dataset(reader, options); });
}

/// The message of decoding one sample.
inline std::string loading_error(const sharding::SourceDataset& dataset, const std::string& name) {
  const auto samples = by_name(dataset);
  return message_of<DataError>([&] { (void)sharding::load_sample(dataset, samples.at(name)); });
}

}  // namespace dusk::test
