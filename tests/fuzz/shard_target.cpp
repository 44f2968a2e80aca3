#include <algorithm>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/io/shard.hpp"
#include "fuzz/scratch_file.hpp"
#include "fuzz/target.hpp"

namespace dusk::fuzz {
namespace {

constexpr int kWindow = 40;  // a picture may be large: what is read of it must not be

/// Windows at three corners of what the sample says that it has.
template <class T>
void read_corners(const ShardReader& reader, Field field, std::size_t index) {
  const SampleInfo& info = reader.info(index);
  const int height = std::min(info.height, kWindow);
  const int width = std::min(info.width, kWindow);
  std::vector<T> out(static_cast<std::size_t>(height * width * channels_of(field)));
  for (const Rect window :
       {Rect{0, 0, height, width}, Rect{info.height - height, info.width - width, height, width},
        Rect{(info.height - height) / 2, (info.width - width) / 2, height, width}}) {
    reader.read(field, index, window, std::span<T>(out));
  }
}

void read_all(const ShardReader& reader) {
  for (std::size_t i = 0; i < reader.size(); ++i) {
    if (reader.class_pixels(i).size() != reader.labels().classes.size()) report("class pixels");
    for (const Field field : kFields) {
      if (!reader.info(i).has(field)) continue;
      try {
        value_bytes_of(field) == 2 ? read_corners<std::uint16_t>(reader, field, i)
                                   : read_corners<std::uint8_t>(reader, field, i);
      } catch (const DataError&) {  // the next sample may be whole
      }
    }
  }
}

}  // namespace

bool read(std::span<const std::byte> bytes) {
  static ScratchFile file;
  file.replace(bytes);
  try {
    const ShardReader reader(file.path());
    read_all(reader);
    (void)reader.summary();
    reader.verify();
    return true;
  } catch (const DataError&) {
    return false;
  }
}

}  // namespace dusk::fuzz
