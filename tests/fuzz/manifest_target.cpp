#include <string>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "fuzz/target.hpp"
#include "io/guarded_json.hpp"
#include "io/manifest.hpp"

namespace dusk::fuzz {
namespace {

/// The same text with the checksum that belongs to it, so that the checksum, which no mutation
/// gets right, does not hide what is behind it.
std::string with_checksum(std::string_view text) {
  nlohmann::json object = parse_guarded(text, "fuzz", {.depth = 4});
  if (!object.is_object()) return std::string(text);
  object.erase("checksum");
  object["checksum"] = to_hex(checksum64(std::string_view(object.dump())));
  return object.dump();
}

bool read_text(const std::string& text) {
  try {
    const Manifest manifest = parse_manifest(text, "fuzz");
    const std::string written = format_manifest(manifest);
    if (format_manifest(parse_manifest(written, "written")) != written) report("changes when read");
    return true;
  } catch (const DataError&) {
    return false;
  }
}

}  // namespace

bool read(std::span<const std::byte> bytes) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (read_text(text)) return true;
  try {
    (void)read_text(with_checksum(text));
  } catch (const DataError&) {  // no JSON
  }
  return false;
}

}  // namespace dusk::fuzz
