#pragma once

#include <string>
#include <vector>

#include "dusk/io/safetensors.hpp"
#include "dusk/nn/named_state.hpp"

namespace dusk {

/// How names of a file become names of a module, and which differences are allowed. A pattern is a
/// name with `*` for any run of characters.
struct LoadPolicy {
  /// First match wins: a file name that begins with `from` goes on with `to` instead.
  struct PrefixMap {
    std::string from, to;
  };
  std::vector<PrefixMap> prefixes{};
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

/// Copies a file's tensors into parameters and buffers by name; values are converted where the
/// types differ (f16, bf16, f64 -> f32). Every tensor is checked before the first is written. Not
/// allowed differences are one `ConfigError` that lists names and shapes.
LoadReport load_weights(torch::nn::Module& module, const SafetensorsFile& file,
                        const LoadPolicy& policy = {});

/// The tensor as a record without copying it: `bytes` points into the tensor. It must be on the
/// CPU and row-major; `InternalError` otherwise (see `row_major_on_cpu`).
TensorRecord to_record(const NamedTensor& tensor);

/// The tensor itself where `to_record` takes it, else a copy that it takes.
at::Tensor row_major_on_cpu(const at::Tensor& tensor);

/// A tensor of its own with the record's values.
at::Tensor to_tensor(const TensorRecord& record);

}  // namespace dusk
