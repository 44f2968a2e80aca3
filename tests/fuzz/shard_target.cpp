#include <algorithm>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/io/shard.hpp"
#include "fuzz/memory_file.hpp"
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
}  // namespace dusk::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static dusk::fuzz::MemoryFile file;
  file.replace(dusk::fuzz::bytes_of(data, size));
  try {
    const dusk::ShardReader reader(file.path());
    dusk::fuzz::read_all(reader);
    (void)reader.summary();
    reader.verify();
  } catch (const dusk::DataError&) {
  }
  return 0;
}
