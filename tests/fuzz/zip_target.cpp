#include "dusk/base/error.hpp"
#include "dusk/io/zip.hpp"
#include "fuzz/target.hpp"

namespace dusk::fuzz {

bool read(std::span<const std::byte> bytes) {
  try {
    const ZipArchive zip(bytes, "fuzz");
    for (const ZipEntry& entry : zip.entries()) {
      if (zip.find(entry.name) != &entry) report("an entry is not found");
      if (entry.bytes.empty()) continue;
      const std::byte* begin = entry.bytes.data();
      if (begin < bytes.data() || begin + entry.bytes.size() > bytes.data() + bytes.size()) {
        report("an entry lies outside of its archive");
      }
      for (const ZipEntry& other : zip.entries()) {
        const bool is_apart = &other == &entry || other.bytes.empty() ||
                              other.bytes.data() >= begin + entry.bytes.size() ||
                              other.bytes.data() + other.bytes.size() <= begin;
        if (!is_apart) report("two entries overlap");
      }
    }
    for (const ZipEntry& entry : zip.entries()) (void)zip.read(entry);
    return true;
  } catch (const DataError&) {
    return false;
  }
}

}  // namespace dusk::fuzz
