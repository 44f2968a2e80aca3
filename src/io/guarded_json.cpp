#include "io/guarded_json.hpp"

#include <set>
#include <string>
#include <vector>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

using nlohmann::json;
using Event = json::parse_event_t;

/// Watches the parser: one level for each object or array that is open.
class Guard {
 public:
  Guard(std::string_view origin, const JsonLimits& limits) : origin_(origin), limits_(limits) {}

  bool operator()(int /*depth*/, Event event, const json& parsed) {
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        count_element();
        open(event == Event::array_start);
        break;
      case Event::object_end:
      case Event::array_end:
        levels_.pop_back();
        break;
      case Event::key:
        add_key(parsed.get_ref<const std::string&>());
        break;
      case Event::value:
        count_element();
        break;
    }
    return true;
  }

 private:
  struct Level {
    bool is_array = false;
    std::size_t elements = 0;
    std::set<std::string> keys;
  };

  void open(bool is_array) {
    if (levels_.size() == limits_.depth) {
      fail<DataError>("{}: JSON nested deeper than {} levels", origin_, limits_.depth);
    }
    levels_.push_back({.is_array = is_array, .elements = 0, .keys = {}});
  }

  void count_element() {
    if (levels_.empty() || !levels_.back().is_array) return;
    if (++levels_.back().elements > limits_.elements) {
      fail<DataError>("{}: JSON array of more than {} elements", origin_, limits_.elements);
    }
  }

  void add_key(const std::string& key) {
    std::set<std::string>& keys = levels_.back().keys;
    if (!keys.insert(key).second) fail<DataError>("{}: duplicate name '{}'", origin_, key);
    if (keys.size() > limits_.members) {
      fail<DataError>("{}: JSON object of more than {} members", origin_, limits_.members);
    }
  }

  std::string_view origin_;
  JsonLimits limits_;
  std::vector<Level> levels_;
};

}  // namespace

json parse_guarded(std::string_view text, std::string_view origin, const JsonLimits& limits) {
  Guard guard(origin, limits);
  try {
    return json::parse(text.begin(), text.end(), [&guard](int depth, Event event, json& parsed) {
      return guard(depth, event, parsed);
    });
  } catch (const json::exception& error) {
    fail<DataError>("{}: not valid JSON: {}", origin, error.what());
  }
}

}  // namespace dusk
