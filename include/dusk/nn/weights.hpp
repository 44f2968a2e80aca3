#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dusk/io/safetensors.hpp"
#include "dusk/nn/name_map.hpp"
#include "dusk/nn/named_state.hpp"

namespace dusk {

/// How names of a file become names of a module, and which differences are allowed. A pattern is a
/// name with `*` for any run of characters.
struct LoadPolicy {
  std::vector<NameRule> renames{};  ///< after the `wrapper_prefix` is gone; first match wins
  std::vector<std::string> allowed_extra{};    ///< in the file only, e.g. "classifier.*"
  std::vector<std::string> allowed_missing{};  ///< in the module only; keeps its initial value
  bool allow_reshape = false;                  ///< same number of elements, another shape
};

/// What became of every tensor; each list is sorted by name.
struct LoadReport {
  std::vector<std::string> matched;
  std::vector<std::string> missing;   ///< allowed by the policy, else `load_weights` throws
  std::vector<std::string> extra;     ///< likewise
  std::vector<std::string> reshaped;  ///< "name: (1, 4) -> (4)"; also in `matched`
  /// One line: "264 tensors from FILE; 2 extra (classifier.1.bias, ...)".
  [[nodiscard]] std::string text(const std::string& source) const;
};

/// What `load_weights` would do.
struct LoadPreview {
  LoadReport report;
  std::vector<std::string> problems;  ///< differences that the policy does not allow, a line each
};

/// Compares tensors with a module without changing it.
LoadPreview preview_weights(const torch::nn::Module& module, std::span<const TensorRecord> tensors,
                            const LoadPolicy& policy = {});

/// Copies a file's tensors into parameters and buffers by name; values are converted where the
/// types differ (f16, bf16, f64 -> f32). Every tensor is checked before the first is written. Not
/// allowed differences are one `ConfigError` that lists names and shapes.
LoadReport load_weights(torch::nn::Module& module, const TensorFile& file,
                        const LoadPolicy& policy = {});

/// The tensor as a record without copying it: `bytes` points into the tensor. It must be on the
/// CPU and row-major; `InternalError` otherwise (see `row_major_on_cpu`).
TensorRecord to_record(const NamedTensor& tensor);

/// The tensor itself where `to_record` takes it, else a copy that it takes.
at::Tensor row_major_on_cpu(const at::Tensor& tensor);

/// A tensor of its own with the record's values.
at::Tensor to_tensor(const TensorRecord& record);

/// What a tensor's values look like. NaN is not a number where there are no other values.
struct TensorStatistics {
  std::int64_t elements = 0;
  std::int64_t nans = 0;
  double min = 0, max = 0, mean = 0, deviation = 0;  ///< of what is not NaN; population deviation
};
TensorStatistics statistics_of(const TensorRecord& record);

}  // namespace dusk
