#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>

#include "dusk/base/units.hpp"
#include "dusk/io/tensor_file.hpp"

/// The safetensors format (github.com/huggingface/safetensors): 8 bytes little-endian header
/// length, a JSON header, then the tensors' bytes, row-major, without holes.
namespace dusk {

/// Size and checksum (`checksum64` of all bytes) of a file as it was written, for manifests.
struct WrittenFile {
  Bytes size;
  std::uint64_t checksum = 0;
};

using TensorMetadata = std::map<std::string, std::string>;

/// A safetensors file mapped into memory. Nothing in it is believed before it was checked: header
/// length, JSON depth, duplicate names, types, products of shapes, offsets (no holes, no overlap,
/// no rest). Each violation is a `DataError` naming file and tensor; a file that cannot be read is
/// a `StorageError`.
class SafetensorsFile : public TensorFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  explicit SafetensorsFile(MappedFile file);

  [[nodiscard]] const TensorMetadata& metadata() const noexcept { return metadata_; }

 private:
  TensorMetadata metadata_;
};

/// Gives the bytes of `specs[index]`. Called once a tensor in the order of the file; the span must
/// stay valid until the next call, so that one buffer serves all tensors.
using TensorSource = std::function<std::span<const std::byte>(std::size_t index)>;

/// Writes and publishes a file (temporary name, fsync, rename). Its bytes depend on the arguments'
/// values only, not on their order: tensors are sorted by falling element size, so that each is
/// aligned, then by name, as the reference implementation does. Duplicate or empty names, and bytes
/// that do not fit the shape, are an `InternalError`; a full disk is a `StorageError`, and nothing
/// remains.
WrittenFile write_safetensors(const std::filesystem::path& path, std::span<const TensorSpec> specs,
                              const TensorMetadata& metadata, const TensorSource& source);

/// The same for tensors that are all in memory; they are not copied.
WrittenFile write_safetensors(const std::filesystem::path& path,
                              std::span<const TensorRecord> tensors,
                              const TensorMetadata& metadata);

}  // namespace dusk
