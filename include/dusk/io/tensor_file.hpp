#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/files.hpp"
#include "dusk/io/dtype.hpp"

namespace dusk {

/// What a tensor is, without its values. An empty shape is a scalar.
struct TensorSpec {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
};

/// A tensor in memory or in a mapped file; `bytes` belongs to somebody else and has exactly
/// product(shape) elements of `dtype`, row-major, little-endian. In a file they may begin anywhere,
/// not only at multiples of the element size.
struct TensorRecord {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// A file of named tensors, mapped into memory: what the readers of all formats give.
class TensorFile {
 public:
  virtual ~TensorFile() = default;
  TensorFile(const TensorFile&) = delete;
  TensorFile& operator=(const TensorFile&) = delete;

  /// Sorted by name. The bytes live as long as this object.
  [[nodiscard]] const std::vector<TensorRecord>& tensors() const noexcept { return tensors_; }
  /// Null where there is none of that name.
  [[nodiscard]] const TensorRecord* find(std::string_view name) const noexcept;
  /// What else is in the file and was passed over: "optimizer (dict)", for people.
  [[nodiscard]] const std::vector<std::string>& passed_over() const noexcept {
    return passed_over_;
  }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return file_.path(); }

 protected:
  explicit TensorFile(MappedFile file) : file_(std::move(file)) {}
  TensorFile(TensorFile&&) = default;
  TensorFile& operator=(TensorFile&&) = default;

  MappedFile file_;
  std::vector<TensorRecord> tensors_;
  std::vector<std::string> passed_over_;
};

/// Weights of any kind that is understood, told apart by their first bytes and not by their name:
/// safetensors, and what `torch.save` writes (see `TorchFile`, also for `part`, which safetensors
/// files do not have: `ConfigError`).
[[nodiscard]] std::unique_ptr<TensorFile> read_weights(const std::filesystem::path& path,
                                                       std::string_view part = "");

}  // namespace dusk
