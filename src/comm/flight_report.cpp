#include "dusk/comm/flight_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

json to_json(const Activity& activity) {
  json reading = json::array();
  for (const ReadingNow& read : activity.reading) {
    reading.push_back({{"file", read.file}, {"sample", read.sample}, {"seconds", read.seconds}});
  }
  return {{"phase", to_string(activity.phase)},
          {"phase_seconds", activity.phase_seconds},
          {"step", activity.step},
          {"finished_steps", activity.finished_steps},
          {"reading", reading}};
}

json to_json(const CollectiveReport& c) {
  json value = {{"communicator", c.communicator},
                {"sequence", c.sequence},
                {"kind", c.kind},
                {"name", c.name},
                {"bytes", c.bytes},
                {"type", c.type},
                {"where", c.where},
                {"phase", to_string(c.phase)},
                {"step", c.step},
                {"state", to_string(c.state)},
                {"awaited", c.awaited},
                {"issued_seconds", c.issued_seconds},
                {"done_seconds", c.done_seconds}};
  if (!c.error.empty()) value["error"] = c.error;
  return value;
}

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
  [[nodiscard]] Reader section(const char* key) const { return {at(key), path_ + "." + key}; }
  template <class T, class Read>
  void list(const char* key, std::vector<T>& out, const Read& read) const {
    const json& items = at(key);
    if (!items.is_array()) fail<DataError>("{}.{} is no list", path_, key);
    for (std::size_t i = 0; i < items.size(); ++i) {
      read(Reader(items[i], fmt::format("{}.{}[{}]", path_, key, i)), out.emplace_back());
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

void read_activity(const Reader& read, Activity& a) {
  read.choice("phase", kPhases, a.phase);
  read("phase_seconds", a.phase_seconds);
  read("step", a.step);
  read("finished_steps", a.finished_steps);
  read.list("reading", a.reading, [](const Reader& item, ReadingNow& reading) {
    item("file", reading.file);
    item("sample", reading.sample);
    item("seconds", reading.seconds);
  });
}

void read_collective(const Reader& read, CollectiveReport& c) {
  read("communicator", c.communicator);
  read("sequence", c.sequence);
  read("kind", c.kind);
  read("name", c.name);
  read("bytes", c.bytes);
  read("type", c.type);
  read("where", c.where);
  read.choice("phase", kPhases, c.phase);
  read("step", c.step);
  read.choice("state", kStates, c.state);
  read("awaited", c.awaited);
  read("issued_seconds", c.issued_seconds);
  read("done_seconds", c.done_seconds);
  if (c.state == State::failed) read("error", c.error);
}

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

std::string format_report(const FlightReport& r) {
  json peers = json::array();
  for (const PeerReport& p : r.peers) {
    peers.push_back({{"rank", p.rank}, {"process", p.process}, {"state", p.state}});
  }
  json communicators = json::array();
  for (const CommunicatorReport& c : r.communicators) {
    communicators.push_back(
        {{"name", c.name}, {"rank", c.rank}, {"size", c.size}, {"issued", c.issued}});
  }
  json collectives = json::array();
  for (const CollectiveReport& c : r.collectives) collectives.push_back(to_json(c));
  json threads = json::array();
  for (const ThreadReport& t : r.threads) {
    threads.push_back({{"id", t.id}, {"name", t.name}, {"frames", t.frames}});
  }
  return dumped({{"launch", r.launch},
                 {"rank", r.rank},
                 {"size", r.size},
                 {"host", r.host},
                 {"process", r.process},
                 {"asked_by", r.asked_by},
                 {"reason", r.reason},
                 {"error", r.error},
                 {"consequence", r.consequence},
                 {"activity", to_json(r.activity)},
                 {"peers", peers},
                 {"communicators", communicators},
                 {"collectives", collectives},
                 {"threads", threads}}) +
         "\n";
}

FlightReport parse_report(std::string_view text, const std::string& source) {
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) fail<DataError>("{} is no JSON (cut off?)", source);
  const Reader read(document, source);
  FlightReport r;
  read("launch", r.launch);
  read("rank", r.rank);
  read("size", r.size);
  constexpr int kMostRanks = 1'000'000;
  if (r.size < 1 || r.size > kMostRanks || r.rank < 0 || r.rank >= r.size) {
    fail<DataError>("{}: rank {} of {}", source, r.rank, r.size);
  }
  read("host", r.host);
  read("process", r.process);
  read("asked_by", r.asked_by);
  read("reason", r.reason);
  read("error", r.error);
  read("consequence", r.consequence);
  read_activity(read.section("activity"), r.activity);
  read.list("peers", r.peers, [](const Reader& item, PeerReport& p) {
    item("rank", p.rank);
    item("process", p.process);
    item("state", p.state);
  });
  read.list("communicators", r.communicators, [](const Reader& item, CommunicatorReport& c) {
    item("name", c.name);
    item("rank", c.rank);
    item("size", c.size);
    item("issued", c.issued);
  });
  read.list("collectives", r.collectives, read_collective);
  read.list("threads", r.threads, [](const Reader& item, ThreadReport& t) {
    item("id", t.id);
    item("name", t.name);
    item("frames", t.frames);
  });
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
