#include "io/manifest.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "io/guarded_json.hpp"
#include "io/shard_index.hpp"

namespace dusk {
namespace {

using nlohmann::json;

constexpr const char* kSetFormat = "dusk-shard-set";
constexpr std::uint64_t kSetVersion = 1;
constexpr std::uint64_t kSetVersionWithReference = 2;
constexpr std::size_t kLongestPath = 4096;

/// Looks up members of one object and checks their types; `what` names it in errors.
class Members {
 public:
  Members(std::string what, const json& object) : what_(std::move(what)), object_(object) {
    if (!object.is_object()) fail<DataError>("{}: not a JSON object", what_);
  }

  [[nodiscard]] const json& get(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) fail<DataError>("{}: '{}' is missing", what_, key);
    return *found;
  }

  [[nodiscard]] std::uint64_t number(const char* key) const {
    const json& value = get(key);
    if (!value.is_number_unsigned()) fail<DataError>("{}: '{}' is not a number", what_, key);
    return value.get<std::uint64_t>();
  }

  [[nodiscard]] std::string text(const char* key) const {
    const json& value = get(key);
    if (!value.is_string()) fail<DataError>("{}: '{}' is not a text", what_, key);
    return value.get<std::string>();
  }

  [[nodiscard]] const json& list(const char* key) const {
    const json& value = get(key);
    if (!value.is_array()) fail<DataError>("{}: '{}' is not a list", what_, key);
    return value;
  }

  [[nodiscard]] std::uint64_t checksum(const char* key) const {
    const std::string digits = text(key);
    std::uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, 16);
    if (digits.size() != 16 || error != std::errc() || stop != end) {
      fail<DataError>("{}: '{}' is not a checksum", what_, key);
    }
    return value;
  }

 private:
  std::string what_;
  const json& object_;
};

json to_json(const ShardSummary& shard) {
  return {{"file", shard.file},
          {"bytes", shard.size.value},
          {"checksum", to_hex(shard.checksum)},
          {"samples", shard.samples},
          {"labelled", shard.labelled},
          {"class_pixels", shard.class_pixels},
          {"ignored_pixels", shard.ignored_pixels}};
}

/// A name that stays in the set's folder.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

ShardSummary parse_shard(const json& entry, const std::string& what, std::size_t classes) {
  const Members members(what, entry);
  ShardSummary shard{.file = members.text("file"),
                     .size = Bytes{members.number("bytes")},
                     .checksum = members.checksum("checksum"),
                     .samples = members.number("samples"),
                     .labelled = members.number("labelled"),
                     .class_pixels = {},
                     .ignored_pixels = members.number("ignored_pixels")};
  if (!is_plain_name(shard.file)) fail<DataError>("{}: file '{}' is not a name", what, shard.file);
  for (const json& pixels : members.list("class_pixels")) {
    if (!pixels.is_number_unsigned()) fail<DataError>("{}: class_pixels are not numbers", what);
    shard.class_pixels.push_back(pixels.get<std::uint64_t>());
  }
  // A sample takes more than a byte, so the sum of all sizes cannot overflow either.
  if (shard.class_pixels.size() != classes || shard.labelled > shard.samples ||
      shard.samples > shard.size.value || shard.size.value > (std::uint64_t{1} << 50U)) {
    fail<DataError>("{}: numbers that cannot be", what);
  }
  return shard;
}

Field parse_field(const json& name, const std::string& what) {
  for (const Field field : kFields)
    if (name.is_string() && name.get<std::string>() == name_of(field)) return field;
  fail<DataError>("{}: a field is {}", what, name.dump());
}

SetReference parse_reference(const json& entry, const std::string& what) {
  const Members members(what, entry);
  const std::string path = members.text("set");
  if (path.empty() || path.size() > kLongestPath || path.find('\0') != std::string::npos) {
    fail<DataError>("{}: 'set' is not a path", what);
  }
  SetReference reference{.set = path, .identity = members.checksum("identity"), .fields = {}};
  for (const json& name : members.list("fields")) {
    const Field field = parse_field(name, what);
    if (std::ranges::find(reference.fields, field) != reference.fields.end()) {
      fail<DataError>("{}: field '{}' is listed twice", what, name_of(field));
    }
    reference.fields.push_back(field);
  }
  if (reference.fields.empty()) fail<DataError>("{}: no fields", what);
  return reference;
}

json to_json(const SetReference& reference) {
  json fields = json::array();
  for (const Field field : reference.fields) fields.push_back(std::string(name_of(field)));
  return {{"set", reference.set.string()},
          {"identity", to_hex(reference.identity)},
          {"fields", std::move(fields)}};
}

/// Everything but the checksum.
json to_json(const Manifest& manifest) {
  json shards = json::array();
  std::size_t samples = 0;
  for (const ShardSummary& shard : manifest.shards) {
    shards.push_back(to_json(shard));
    samples += shard.samples;
  }
  json object = {{"format", kSetFormat},
                 {"version", manifest.reference ? kSetVersionWithReference : kSetVersion},
                 {"label_space", manifest.labels.space},
                 {"classes", manifest.labels.classes},
                 {"samples", samples},
                 {"shards", std::move(shards)}};
  if (manifest.reference) object["reference"] = to_json(*manifest.reference);
  return object;
}

}  // namespace

std::string format_manifest(const Manifest& manifest) {
  json object = to_json(manifest);
  object["checksum"] = to_hex(checksum64(object.dump()));
  return object.dump(1) + "\n";
}

std::uint64_t identity_of(const Manifest& manifest) {
  json object = to_json(manifest);
  if (manifest.reference) object["reference"].erase("set");
  return checksum64(object.dump());
}

Manifest parse_manifest(std::string_view text, const std::string& origin) {
  json object = parse_guarded(text, origin, {.depth = 4});
  const Members members(origin, object);
  const bool refers = object.contains("reference");
  const std::uint64_t version = refers ? kSetVersionWithReference : kSetVersion;
  if (members.text("format") != kSetFormat || members.number("version") != version) {
    fail<DataError>("{}: not a manifest of a shard set, or one of another version than {}", origin,
                    version);
  }
  Manifest manifest;
  if (refers) {
    manifest.reference = parse_reference(members.get("reference"), origin + ": reference");
  }
  manifest.labels.space = members.text("label_space");
  for (const json& name : members.list("classes")) {
    if (!name.is_string()) fail<DataError>("{}: classes are not names", origin);
    manifest.labels.classes.push_back(name.get<std::string>());
  }
  std::set<std::string> files;
  std::size_t samples = 0;
  for (const json& entry : members.list("shards")) {
    const std::string what = fmt::format("{}: shard {}", origin, manifest.shards.size());
    manifest.shards.push_back(parse_shard(entry, what, manifest.labels.classes.size()));
    samples += manifest.shards.back().samples;
    if (!files.insert(manifest.shards.back().file).second) {
      fail<DataError>("{}: file '{}' is listed twice", what, manifest.shards.back().file);
    }
  }
  if (samples != members.number("samples")) {
    fail<DataError>("{}: {} samples in all, {} in the shards", origin, members.number("samples"),
                    samples);
  }
  const std::uint64_t expected = members.checksum("checksum");
  object.erase("checksum");
  if (checksum64(object.dump()) != expected) {
    fail<DataError>("{}: damaged: checksum {}, expected {}", origin,
                    to_hex(checksum64(object.dump())), to_hex(expected));
  }
  return manifest;
}

}  // namespace dusk
