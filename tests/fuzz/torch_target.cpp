#include "fuzz/scratch_file.hpp"
#include "fuzz/target.hpp"
#include "fuzz/torch_tensors.hpp"

namespace dusk::fuzz {

bool read(std::span<const std::byte> bytes) {
  static ScratchFile file;
  file.replace(bytes);
  return read_torch_file(file.path());
}

}  // namespace dusk::fuzz
