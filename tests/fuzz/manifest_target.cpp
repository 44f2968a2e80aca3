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

void read(const std::string& text) {
  const Manifest manifest = parse_manifest(text, "fuzz");
  const std::string written = format_manifest(manifest);
  if (format_manifest(parse_manifest(written, "written")) != written) report("not the same again");
}

}  // namespace
}  // namespace dusk::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = dusk::fuzz::text_of(data, size);
  try {
    dusk::fuzz::read(std::string(text));
  } catch (const dusk::DataError&) {
  }
  try {
    dusk::fuzz::read(dusk::fuzz::with_checksum(text));
  } catch (const dusk::DataError&) {
  }
  return 0;
}
