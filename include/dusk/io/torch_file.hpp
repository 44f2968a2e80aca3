#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "dusk/io/tensor_file.hpp"

/// Files of Python's `torch.save`.
namespace dusk {

/// The state dictionary in a file of `torch.save`: the zip archives of PyTorch 1.6 and later, and
/// the plain streams of before. Nothing in it is executed; it is parsed as data (see
/// `parse_pickle`), and only what makes a tensor or a parameter is understood.
///
/// `part` says which dictionary of a checkpoint is meant: keys from the outermost one on, with '/'
/// between them ("generator/ema"). Without it, it is the outermost one where that holds tensors;
/// else that under `state_dict`, `model_state_dict`, `model`, `net` or `network`, if there is one.
/// `ConfigError` that lists the parts where neither leads to tensors or `part` does not exist.
///
/// Values beside the tensors (numbers, optimizers, objects of any class) are passed over and named
/// in `passed_over()`. A `DataError` naming file and tensor for what is damaged (truncation, wrong
/// checksums, tensors beyond their storage, sizes that disagree, all tensors together larger than
/// eight times the file) and for what is not understood: a whole model object, TorchScript,
/// big-endian files, sparse and quantised tensors, element types that `DType` lacks.
///
/// Row-major tensors are views of the mapped file; others are brought into that order in memory.
class TorchFile : public TensorFile {
 public:
  explicit TorchFile(const std::filesystem::path& path, std::string_view part = "");
  explicit TorchFile(MappedFile file, std::string_view part = "");

 private:
  friend class TorchReader;
  std::vector<std::vector<std::byte>> reordered_;  ///< bytes of tensors that were not row-major
};

/// True for the first bytes of a zip archive or of a plain stream of `torch.save`.
[[nodiscard]] bool is_torch_file(std::span<const std::byte> bytes) noexcept;

/// Writes and publishes a zip file that `torch.load`, also with `weights_only=True`, reads as an
/// `OrderedDict` of contiguous CPU tensors under these names, in this order. Tensors are not
/// copied. Duplicate, empty or non-UTF-8 names, and bytes that do not fit the shape, are an
/// `InternalError`; a full disk is a `StorageError`, and nothing remains. Its bytes depend on the
/// tensors only.
void write_torch(const std::filesystem::path& path, std::span<const TensorRecord> tensors);

}  // namespace dusk
