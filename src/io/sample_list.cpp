#include "dusk/io/sample_list.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unordered_set>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/text.hpp"
#include "io/guarded_json.hpp"

namespace dusk {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "dusk-sample-list";
constexpr int kVersion = 1;

ListedSample parse_sample(const json& entry, const std::string& place) {
  const auto has = [&](const char* key, auto is_right) {
    return entry.is_object() && entry.contains(key) && (entry.at(key).*is_right)();
  };
  if (!has("name", &json::is_string) || !has("score", &json::is_number) ||
      !has("chosen", &json::is_boolean)) {
    fail<DataError>("{}: not a sample with name, score and chosen", place);
  }
  return {.name = entry.at("name").get<std::string>(),
          .score = entry.at("score").get<double>(),
          .chosen = entry.at("chosen").get<bool>()};
}

SampleList parse_json(const std::string& text, const std::string& origin) {
  const json object = parse_guarded(text, origin, {.depth = 6, .elements = 1U << 24U});
  if (!object.is_object() || object.value("format", json()) != kFormat ||
      object.value("version", json()) != kVersion) {
    fail<DataError>("{}: not a list of samples, or one of another version than {}", origin,
                    kVersion);
  }
  SampleList list{.made_by = object.value("made_by", json::object()).dump(), .samples = {}};
  const json samples = object.value("samples", json());
  if (!samples.is_array()) fail<DataError>("{}: 'samples' is not a list", origin);
  for (const json& entry : samples) {
    const std::string place = fmt::format("{}: sample {}", origin, list.samples.size());
    list.samples.push_back(parse_sample(entry, place));
  }
  return list;
}

SampleList parse_lines(const std::string& text) {
  SampleList list{.made_by = "{}", .samples = {}};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    list.samples.push_back({.name = std::move(line), .chosen = true});
  }
  return list;
}

}  // namespace

void write_sample_list(const std::filesystem::path& path, const SampleList& list) {
  const auto chosen = std::ranges::count_if(list.samples, &ListedSample::chosen);
  std::string text = fmt::format(
      "{{\"format\": \"{}\", \"version\": {},\n \"made_by\": {},\n \"candidates\": {}, \"chosen\": "
      "{},\n \"samples\": [",
      kFormat, kVersion, list.made_by, list.samples.size(), chosen);
  const char* separator = "\n  ";
  for (const ListedSample& sample : list.samples) {
    if (!std::isfinite(sample.score)) {
      fail<InternalError>("{}: the score of '{}' is not finite", path.string(), sample.name);
    }
    text += fmt::format("{}{{\"name\": {}, \"score\": {}, \"chosen\": {}}}", separator,
                        json(sample.name).dump(), json(sample.score).dump(), sample.chosen);
    separator = ",\n  ";
  }
  publish(path, std::string_view(text + "]}\n"));
}

SampleList read_sample_list(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  const std::string origin = path.string();
  if (const auto at = first_bad_byte(text)) {
    fail<DataError>("{}: byte {} is neither text nor a line end: not a list of samples", origin,
                    *at);
  }
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string::npos && text[first] == '{';
  SampleList list = is_json ? parse_json(text, origin) : parse_lines(text);
  std::unordered_set<std::string_view> names;
  bool any = false;
  for (const ListedSample& sample : list.samples) {
    any = any || sample.chosen;
    if (!names.insert(sample.name).second) {
      fail<DataError>("{}: sample {} is listed twice", origin, in_quotes(sample.name));
    }
  }
  if (!any) fail<DataError>("{}: it chooses no sample", origin);
  return list;
}

std::vector<std::string> chosen_names(const SampleList& list) {
  std::vector<std::string> names;
  for (const ListedSample& sample : list.samples)
    if (sample.chosen) names.push_back(sample.name);
  return names;
}

}  // namespace dusk
