#include "dusk/io/tensor_file.hpp"

#include <algorithm>
#include <limits>

#include "dusk/base/error.hpp"
#include "dusk/io/safetensors.hpp"
#include "dusk/io/torch_file.hpp"
#include "io/tensor_size.hpp"

namespace dusk {

std::optional<std::uint64_t> bytes_of(DType dtype, std::span<const std::int64_t> shape) noexcept {
  std::uint64_t bytes = size_of(dtype);
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    const auto factor = static_cast<std::uint64_t>(extent);
    if (factor != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / factor) {
      return std::nullopt;
    }
    bytes *= factor;
  }
  return bytes;
}

const TensorRecord* TensorFile::find(std::string_view name) const noexcept {
  const auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const TensorRecord& record, std::string_view key) { return record.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

std::unique_ptr<TensorFile> read_weights(const std::filesystem::path& path, std::string_view part) {
  MappedFile file(path);
  if (is_torch_file(file.bytes())) return std::make_unique<TorchFile>(std::move(file), part);
  if (!part.empty()) {
    fail<ConfigError>("{} is no file of torch.save and has no part '{}'", path.string(), part);
  }
  return std::make_unique<SafetensorsFile>(std::move(file));
}

}  // namespace dusk
