#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/io/safetensors.hpp"
#include "fuzz/scratch_file.hpp"
#include "fuzz/target.hpp"

namespace dusk::fuzz {

bool read(std::span<const std::byte> bytes) {
  static ScratchFile file;
  file.replace(bytes);
  try {
    const SafetensorsFile tensors(file.path());
    for (const TensorRecord& tensor : tensors.tensors()) {
      std::size_t size = size_of(tensor.dtype);
      for (const std::int64_t extent : tensor.shape) size *= static_cast<std::size_t>(extent);
      if (size != tensor.bytes.size()) report("shape and bytes disagree");
      (void)checksum64(tensor.bytes);  // touches each of them
      if (tensors.find(tensor.name) != &tensor) report("a tensor is not found");
    }
    return true;
  } catch (const DataError&) {
    return false;
  }
}

}  // namespace dusk::fuzz
