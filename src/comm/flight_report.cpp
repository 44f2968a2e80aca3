#include "dusk/comm/flight_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <map>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"

namespace dusk {
namespace {

using nlohmann::json;
using State = CollectiveReport::State;
namespace fs = std::filesystem;

constexpr std::array kPhases = {Phase::start,    Phase::data,       Phase::compute,
                                Phase::exchange, Phase::update,     Phase::report,
                                Phase::validate, Phase::checkpoint, Phase::finish};
constexpr std::array kStates = {State::queued, State::done, State::failed};

/// Reports of other programs' names and file names must stay valid JSON whatever bytes they hold.
std::string dumped(const json& value) {
  return value.dump(1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

// The members of a report and their keys, for writing (of a const report) and for reading.

template <class T, class Member>
concept Is = std::same_as<std::remove_const_t<T>, Member>;

template <class Visitor>
void describe(Visitor& v, Is<ReadingNow> auto& r) {
  v("file", r.file);
  v("sample", r.sample);
  v("seconds", r.seconds);
}

template <class Visitor>
void describe(Visitor& v, Is<Activity> auto& a) {
  v.choice("phase", kPhases, a.phase);
  v("phase_seconds", a.phase_seconds);
  v("step", a.step);
  v("finished_steps", a.finished_steps);
  v.list("reading", a.reading);
}

template <class Visitor>
void describe(Visitor& v, Is<PeerReport> auto& p) {
  v("rank", p.rank);
  v("process", p.process);
  v("state", p.state);
}

template <class Visitor>
void describe(Visitor& v, Is<CommunicatorReport> auto& c) {
  v("name", c.name);
  v("rank", c.rank);
  v("size", c.size);
  v("issued", c.issued);
}

template <class Visitor>
void describe(Visitor& v, Is<CollectiveReport> auto& c) {
  v("communicator", c.communicator);
  v("sequence", c.sequence);
  v("kind", c.kind);
  v("name", c.name);
  v("bytes", c.bytes);
  v("type", c.type);
  v("where", c.where);
  v.choice("phase", kPhases, c.phase);
  v("step", c.step);
  v.choice("state", kStates, c.state);
  v("awaited", c.awaited);
  v("issued_seconds", c.issued_seconds);
  v("done_seconds", c.done_seconds);
  v("error", c.error);
}

template <class Visitor>
void describe(Visitor& v, Is<ThreadReport> auto& t) {
  v("id", t.id);
  v("name", t.name);
  v("frames", t.frames);
}

template <class Visitor>
void describe(Visitor& v, Is<FlightReport> auto& r) {
  v("launch", r.launch);
  v("rank", r.rank);
  v("size", r.size);
  v("host", r.host);
  v("process", r.process);
  v("asked_by", r.asked_by);
  v("reason", r.reason);
  v("error", r.error);
  v("consequence", r.consequence);
  v.section("activity", r.activity);
  v.list("peers", r.peers);
  v.list("communicators", r.communicators);
  v.list("collectives", r.collectives);
  v.list("threads", r.threads);
}

class Writer {
 public:
  template <class T>
  void operator()(const char* key, const T& value) {
    value_[key] = value;
  }
  template <class E, std::size_t N>
  void choice(const char* key, const std::array<E, N>& /*values*/, E value) {
    value_[key] = to_string(value);
  }
  template <class T>
  void section(const char* key, const T& part) {
    value_[key] = written(part);
  }
  template <class T>
  void list(const char* key, const std::vector<T>& items) {
    json& list = value_[key] = json::array();
    for (const T& item : items) list.push_back(written(item));
  }
  template <class T>
  [[nodiscard]] static json written(const T& report) {
    Writer writer;
    describe(writer, report);
    return std::move(writer.value_);
  }

 private:
  json value_ = json::object();
};

/// Values of a parsed report by key; what is missing or of another type is said with its name.
class Reader {
 public:
  Reader(const json& value, std::string path) : value_(value), path_(std::move(path)) {
    if (!value_.is_object()) fail<DataError>("{} is no object", path_);
  }

  template <class T>
  void operator()(const char* key, T& out) const {
    const json& found = at(key);
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (!fits<T>(found)) fail<DataError>("{}.{} is no number of its range", path_, key);
    }
    try {
      found.get_to(out);
    } catch (const json::exception&) {
      fail<DataError>("{}.{} has the wrong type", path_, key);
    }
  }
  template <class E, std::size_t N>
  void choice(const char* key, const std::array<E, N>& values, E& out) const {
    std::string text;
    (*this)(key, text);
    const auto found = std::find_if(values.begin(), values.end(),
                                    [&](E value) { return to_string(value) == text; });
    if (found == values.end()) fail<DataError>("{}.{} is '{}'", path_, key, text);
    out = *found;
  }
  template <class T>
  void section(const char* key, T& out) const {
    const Reader reader(at(key), path_ + "." + key);
    describe(reader, out);
  }
  template <class T>
  void list(const char* key, std::vector<T>& out) const {
    const json& items = at(key);
    if (!items.is_array()) fail<DataError>("{}.{} is no list", path_, key);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Reader reader(items[i], fmt::format("{}.{}[{}]", path_, key, i));
      describe(reader, out.emplace_back());
    }
  }

 private:
  template <class T>
  [[nodiscard]] static bool fits(const json& value) {
    if (value.is_number_unsigned()) return std::in_range<T>(value.get<std::uint64_t>());
    return value.is_number_integer() && std::in_range<T>(value.get<std::int64_t>());
  }
  [[nodiscard]] const json& at(const char* key) const {
    const auto found = value_.find(key);
    if (found == value_.end()) fail<DataError>("{} has no '{}'", path_, key);
    return *found;
  }

  const json& value_;
  std::string path_;
};

}  // namespace

std::string_view to_string(CollectiveReport::State state) {
  switch (state) {
    case State::queued:
      return "queued";
    case State::done:
      return "done";
    case State::failed:
      return "failed";
  }
  fail<InternalError>("unknown state {}", static_cast<int>(state));
}

std::string format_report(const FlightReport& report) {
  return dumped(Writer::written(report)) + "\n";
}

FlightReport parse_report(std::string_view text, const std::string& source) {
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) fail<DataError>("{} is no JSON (cut off?)", source);
  FlightReport r;
  const Reader reader(document, source);
  describe(reader, r);
  constexpr int kMostRanks = 1'000'000;
  if (r.size < 1 || r.size > kMostRanks || r.rank < 0 || r.rank >= r.size) {
    fail<DataError>("{}: rank {} of {}", source, r.rank, r.size);
  }
  return r;
}

fs::path flight_folder(const fs::path& run) {
  return run / "flight";
}

fs::path report_path(const fs::path& folder, int rank) {
  return folder / fmt::format("rank-{:04d}.json", rank);
}

std::vector<FlightReport> read_reports(const fs::path& folder) {
  std::map<std::string, std::vector<FlightReport>> launches;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("rank-") || entry.path().extension() != ".json") continue;
    FlightReport report = parse_report(read_text(entry.path()), entry.path().string());
    launches[report.launch].push_back(std::move(report));
  }
  if (launches.empty()) return {};
  const auto most = std::max_element(
      launches.begin(), launches.end(),
      [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  std::vector<FlightReport> reports = std::move(most->second);
  std::sort(reports.begin(), reports.end(),
            [](const FlightReport& a, const FlightReport& b) { return a.rank < b.rank; });
  return reports;
}

}  // namespace dusk
