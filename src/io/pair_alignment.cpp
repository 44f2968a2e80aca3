#include "dusk/io/pair_alignment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/text.hpp"
#include "io/guarded_json.hpp"

namespace dusk {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "dusk-pair-alignments";
constexpr int kVersion = 1;
constexpr int kMostPixels = 16384;  // of a side

constexpr std::int64_t kLeastMatches = 4;
constexpr std::int64_t kLeastInliers = 25;
constexpr double kLeastShare = 0.2;
constexpr double kLeastDeterminant = 0.5, kMostDeterminant = 2;
constexpr double kMostMove = 0.25;  // of the diagonal

/// How far the map takes a point; infinitely far where it is not in front of the camera.
double move_of(const Homography& map, double x, double y) {
  const double w = map[6] * x + map[7] * y + map[8];
  if (!(w > 0)) return std::numeric_limits<double>::infinity();
  return std::hypot((map[0] * x + map[1] * y + map[2]) / w - x,
                    (map[3] * x + map[4] * y + map[5]) / w - y);
}

bool keeps_its_corners(const PairAlignment& alignment) {
  const double right = alignment.width - 1, below = alignment.height - 1;
  const double most = kMostMove * std::hypot(alignment.width, alignment.height);
  for (const double x : {0.0, right})
    for (const double y : {0.0, below})
      if (!(move_of(alignment.map, x, y) < most)) return false;
  return true;
}

std::string_view name_of(AlignmentFault fault) {
  for (const auto& [name, value] : names_of(AlignmentFault{}))
    if (value == fault) return name;
  fail<InternalError>("a fault without a name");
}

json to_json(const PairAlignment& pair) {
  json entry{{"night", pair.night},         {"day", pair.day},         {"height", pair.height},
             {"width", pair.width},         {"matches", pair.matches}, {"inliers", pair.inliers},
             {"fault", name_of(pair.fault)}};
  if (pair.accepted()) entry["homography"] = pair.map, entry["sigma"] = pair.sigma;
  return entry;
}

/// One pair of a file; every member is checked before it is used.
class PairEntry {
 public:
  PairEntry(const json& entry, std::string place) : entry_(entry), place_(std::move(place)) {
    if (!entry.is_object()) fail<DataError>("{}: not an object", place_);
  }

  [[nodiscard]] PairAlignment parse() const {
    PairAlignment pair{.night = text("night"),
                       .day = text("day"),
                       .height = static_cast<int>(integer("height", 1, kMostPixels)),
                       .width = static_cast<int>(integer("width", 1, kMostPixels)),
                       .matches = integer("matches", 0, kMostMatches),
                       .inliers = integer("inliers", 0, kMostMatches),
                       .fault = fault()};
    if (!pair.accepted()) return pair;
    pair.map = map();
    pair.sigma = real(member("sigma"), "sigma");
    if (pair.inliers > pair.matches)
      fail<DataError>("{}: {} inliers of {} matches", place_, pair.inliers, pair.matches);
    if (pair.sigma < kLeastSigma || pair.sigma > kMostPixels)
      fail<DataError>("{}: sigma is {}, must be in [{}, {}]", place_, pair.sigma, kLeastSigma,
                      kMostPixels);
    if (const AlignmentFault found = fault_of(pair); found != AlignmentFault::none)
      fail<DataError>("{}: it is said to be accepted, but must be refused: {}", place_,
                      name_of(found));
    return pair;
  }

 private:
  static constexpr std::int64_t kMostMatches = 1 << 30;

  [[nodiscard]] const json& member(const char* key) const {
    const auto found = entry_.find(key);
    if (found == entry_.end()) fail<DataError>("{}: it has no '{}'", place_, key);
    return *found;
  }

  [[nodiscard]] std::string text(const char* key) const {
    const json& value = member(key);
    if (!value.is_string()) fail<DataError>("{}: '{}' is not a text", place_, key);
    return value.get<std::string>();
  }

  [[nodiscard]] std::int64_t integer(const char* key, std::int64_t least, std::int64_t most) const {
    const json& value = member(key);
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() ||
                       value.get<std::uint64_t>() <= static_cast<std::uint64_t>(most));
    if (!fits || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
      fail<DataError>("{}: '{}' is not a whole number in [{}, {}]", place_, key, least, most);
    return value.get<std::int64_t>();
  }

  [[nodiscard]] double real(const json& value, const char* key) const {
    if (!value.is_number() || !std::isfinite(value.get<double>()))
      fail<DataError>("{}: '{}' is not a finite number", place_, key);
    return value.get<double>();
  }

  [[nodiscard]] AlignmentFault fault() const {
    const std::string found = text("fault");
    for (const auto& [name, value] : names_of(AlignmentFault{}))
      if (name == found) return value;
    fail<DataError>("{}: 'fault' is {}, which is none", place_, in_quotes(found));
  }

  [[nodiscard]] Homography map() const {
    const json& values = member("homography");
    Homography map{};
    if (!values.is_array() || values.size() != map.size())
      fail<DataError>("{}: 'homography' is not {} numbers", place_, map.size());
    for (std::size_t i = 0; i < map.size(); ++i) map[i] = real(values[i], "homography");
    if (map.back() != 1) fail<DataError>("{}: the homography's last number is not 1", place_);
    return map;
  }

  const json& entry_;
  std::string place_;
};

}  // namespace

double PairAlignment::confidence() const {
  constexpr double kMost = 0.5;
  return accepted() ? std::min(kMost, -std::expm1(-1 / (2 * sigma * sigma))) : kMost;
}

AlignmentFault fault_of(const PairAlignment& alignment) {
  const Homography& map = alignment.map;
  if (alignment.matches < kLeastMatches) return AlignmentFault::few_matches;
  if (alignment.inliers < kLeastInliers) return AlignmentFault::few_inliers;
  if (static_cast<double>(alignment.inliers) < kLeastShare * static_cast<double>(alignment.matches))
    return AlignmentFault::low_share;
  const double determinant = map[0] * map[4] - map[1] * map[3];
  if (!(determinant >= kLeastDeterminant && determinant <= kMostDeterminant))
    return AlignmentFault::shrinks;
  return keeps_its_corners(alignment) ? AlignmentFault::none : AlignmentFault::moves_far;
}

void write_pair_alignments(const std::filesystem::path& path, const PairAlignments& alignments) {
  const auto accepted = std::ranges::count_if(alignments.pairs, &PairAlignment::accepted);
  std::string text = fmt::format(
      "{{\"format\": \"{}\", \"version\": {},\n \"made_by\": {},\n \"accepted\": {},\n \"pairs\": "
      "[",
      kFormat, kVersion, alignments.made_by, accepted);
  const char* separator = "\n  ";
  for (const PairAlignment& pair : alignments.pairs) {
    text += separator + to_json(pair).dump();
    separator = ",\n  ";
  }
  publish(path, std::string_view(text + "]}\n"));
}

PairAlignments read_pair_alignments(const std::filesystem::path& path) {
  const std::string origin = path.string();
  const json object = parse_guarded(read_text(path), origin, {.depth = 6, .elements = 1U << 24U});
  if (!object.is_object() || object.value("format", json()) != kFormat ||
      object.value("version", json()) != kVersion)
    fail<DataError>("{}: not a file of alignments (dusk align), or one of another version than {}",
                    origin, kVersion);
  const json pairs = object.value("pairs", json());
  if (!pairs.is_array()) fail<DataError>("{}: 'pairs' is not a list", origin);
  PairAlignments alignments{.made_by = object.value("made_by", json::object()).dump(), .pairs = {}};
  std::unordered_set<std::string> nights;
  for (const json& entry : pairs) {
    const std::string place = fmt::format("{}: pair {}", origin, alignments.pairs.size());
    alignments.pairs.push_back(PairEntry(entry, place).parse());
    if (!nights.insert(alignments.pairs.back().night).second)
      fail<DataError>("{}: night picture {} is listed twice", place,
                      in_quotes(alignments.pairs.back().night));
  }
  return alignments;
}

}  // namespace dusk
