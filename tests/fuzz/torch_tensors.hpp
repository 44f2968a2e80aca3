#pragma once

#include <filesystem>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/io/torch_file.hpp"
#include "fuzz/target.hpp"

namespace dusk::fuzz {

/// Reads a file of `torch.save` and every byte of its tensors. True where it was read.
inline bool read_torch_file(const std::filesystem::path& path) {
  try {
    const TorchFile file(path);
    for (const TensorRecord& tensor : file.tensors()) {
      std::size_t size = size_of(tensor.dtype);
      for (const std::int64_t extent : tensor.shape) size *= static_cast<std::size_t>(extent);
      if (size != tensor.bytes.size()) report("shape and bytes disagree");
      (void)checksum64(tensor.bytes);
      if (file.find(tensor.name) != &tensor) report("a tensor is not found");
    }
    return true;
  } catch (const DataError&) {
    return false;
  } catch (const ConfigError&) {  // nothing in it is a part that may be meant
    return false;
  }
}

}  // namespace dusk::fuzz
