#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/base/range.hpp"

// A configuration with a field of every kind, in a namespace of its own as a method's would be. It
// includes nothing of the config layer: that is the promise of `describe`.
namespace example {

enum class Kind { sgd, adamw };
constexpr std::array<std::pair<std::string_view, Kind>, 2> names_of(Kind) {
  return {{{"sgd", Kind::sgd}, {"adamw", Kind::adamw}}};
}

/// A type with a text form of its own: "3 steps" or "2 epochs".
struct Length {
  int count = 0;
  bool epochs = false;
  bool operator==(const Length&) const = default;
};
inline void parse_value(std::string_view text, Length& value) {
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::string_view unit = text.substr(space);
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + space, count);
  const bool is_count = error == std::errc{} && end == text.data() + space;
  if (!is_count || (unit != " steps" && unit != " epochs")) {
    dusk::fail<dusk::ConfigError>("'{}' is no length, expected for example '3 steps'", text);
  }
  value = {count, unit == " epochs"};
}
inline std::string format_value(const Length& value) {
  return std::to_string(value.count) + (value.epochs ? " epochs" : " steps");
}

struct Optim {
  Kind kind = Kind::sgd;
  double lr = 0.02;
  std::optional<double> clip;
  Length warmup{20, false};
  std::vector<double> milestones = {0.5, 0.75};
  bool operator==(const Optim&) const = default;
};
template <class V>
void describe(V& v, Optim& o) {
  v.field("kind", o.kind, "update rule");
  v.field("lr", o.lr, "peak learning rate", dusk::positive);
  v.field("clip", o.clip, "largest norm of the gradient", dusk::positive);
  v.field("warmup", o.warmup, "length of the linear rise");
  v.field("milestones", o.milestones, "shares of the run at which lr drops", dusk::between(0, 1));
}

struct Stream {
  std::filesystem::path path;
  std::int64_t batch = 4;
  bool operator==(const Stream&) const = default;
};
template <class V>
void describe(V& v, Stream& s) {
  v.required("path", s.path, "folder of the shards");
  v.field("batch", s.batch, "global batch", dusk::at_least(1));
}

struct Crop {
  int smallest = 256;
  int largest = 512;
  bool operator==(const Crop&) const = default;
};
template <class V>
void describe(V& v, Crop& c) {
  v.field("smallest", c.smallest, "least height in pixels", dusk::positive);
  v.field("largest", c.largest, "greatest height in pixels", dusk::positive);
  v.check(c.smallest <= c.largest, "smallest", "must not be above largest");
}

struct Experiment {
  std::string name = "unnamed";
  bool deterministic = false;
  std::uint64_t seed = 1;
  std::uint8_t workers = 2;
  Optim optim;
  Crop crop;
  std::vector<Stream> streams;
  std::map<std::string, Stream> sets;
  std::optional<Optim> teacher;
  bool operator==(const Experiment&) const = default;
};
template <class V>
void describe(V& v, Experiment& r) {
  v.field("name", r.name, "shown in tables");
  v.field("deterministic", r.deterministic, "same bytes at the price of speed");
  v.field("seed", r.seed, "of everything random");
  v.field("workers", r.workers, "threads that decode");
  v.section("optim", r.optim, "The optimizer.");
  v.section("crop", r.crop, "What is cut from an image.");
  v.field("streams", r.streams, "training data");
  v.field("sets", r.sets, "validation data by name");
  v.field("teacher", r.teacher, "a second optimizer");
}

}  // namespace example
