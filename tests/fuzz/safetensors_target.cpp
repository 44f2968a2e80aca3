#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/io/safetensors.hpp"
#include "fuzz/memory_file.hpp"
#include "fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static dusk::fuzz::MemoryFile file;
  file.replace(dusk::fuzz::bytes_of(data, size));
  try {
    const dusk::SafetensorsFile tensors(file.path());
    for (const dusk::TensorRecord& tensor : tensors.tensors()) {
      std::size_t bytes = dusk::size_of(tensor.dtype);
      for (const std::int64_t extent : tensor.shape) bytes *= static_cast<std::size_t>(extent);
      if (bytes != tensor.bytes.size()) dusk::fuzz::report("shape and bytes disagree");
      (void)dusk::checksum64(tensor.bytes);  // touches each of them
      if (tensors.find(tensor.name) != &tensor) dusk::fuzz::report("a tensor is not found");
    }
  } catch (const dusk::DataError&) {
  }
  return 0;
}
