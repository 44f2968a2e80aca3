#include "dusk/nn/weights.hpp"

#include <torch/nn/module.h>
#include <torch/types.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

at::ScalarType scalar_type(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return at::kByte;
    case DType::i8:
      return at::kChar;
    case DType::i16:
      return at::kShort;
    case DType::i32:
      return at::kInt;
    case DType::i64:
      return at::kLong;
    case DType::f16:
      return at::kHalf;
    case DType::bf16:
      return at::kBFloat16;
    case DType::f32:
      return at::kFloat;
    case DType::f64:
      return at::kDouble;
    case DType::boolean:
      return at::kBool;
  }
  fail<InternalError>("unknown element type");
}

std::optional<DType> dtype_of(at::ScalarType type) {
  for (const DType dtype : {DType::u8, DType::i8, DType::i16, DType::i32, DType::i64, DType::f16,
                            DType::bf16, DType::f32, DType::f64, DType::boolean}) {
    if (scalar_type(dtype) == type) return dtype;
  }
  return std::nullopt;
}

template <class Sizes>
std::string shape_text(const Sizes& sizes) {
  return fmt::format("({})", fmt::join(sizes, ", "));
}

bool is_floating(const at::Tensor& tensor) {
  return at::isFloatingType(tensor.scalar_type());
}

bool is_floating(const TensorRecord& record) {
  return at::isFloatingType(scalar_type(record.dtype));
}

struct Copy {
  at::Tensor target;
  const TensorRecord* source;
};

/// Compares a file with a module without touching either.
class Plan {
 public:
  Plan(const std::vector<NamedTensor>& state, std::span<const TensorRecord> tensors,
       const LoadPolicy& policy) {
    const std::map<std::string, const TensorRecord*> records = rename(tensors, policy);
    std::map<std::string, at::Tensor> targets;
    for (const NamedTensor& entry : state) targets.emplace(entry.name, entry.tensor);
    for (const auto& [name, target] : targets) {
      const auto found = records.find(name);
      if (found != records.end()) {
        match(name, target, *found->second, policy);
      } else if (matches_any(policy.allowed_missing, name)) {
        report.missing.push_back(name);
      } else {
        problems.push_back(
            fmt::format("missing in the file: {} {}", name, shape_text(target.sizes())));
      }
    }
    for (const auto& [name, record] : records) {
      if (targets.contains(name)) continue;
      if (matches_any(policy.allowed_extra, name)) {
        report.extra.push_back(name);
      } else {
        problems.push_back(
            fmt::format("unknown to the network: {} {}", name, shape_text(record->shape)));
      }
    }
  }

  LoadReport report;
  std::vector<std::string> problems;
  std::vector<Copy> copies;

 private:
  std::map<std::string, const TensorRecord*> rename(std::span<const TensorRecord> tensors,
                                                    const LoadPolicy& policy) {
    const std::size_t wrapper = wrapper_prefix(tensors).size();
    std::map<std::string, const TensorRecord*> records;
    for (const TensorRecord& record : tensors) {
      const std::string name = renamed(policy.renames, record.name.substr(wrapper));
      const auto [place, is_new] = records.emplace(name, &record);
      if (!is_new) {
        problems.push_back(
            fmt::format("two tensors for {}: {} and {}", name, place->second->name, record.name));
      }
    }
    return records;
  }

  void match(const std::string& name, const at::Tensor& target, const TensorRecord& record,
             const LoadPolicy& policy) {
    const std::vector<std::int64_t> wanted = target.sizes().vec();
    const std::string shapes =
        fmt::format("{}: {} -> {}", name, shape_text(record.shape), shape_text(wanted));
    if (is_floating(target) != is_floating(record)) {
      problems.push_back(
          fmt::format("kind of number differs: {} ({} in the file)", name, name_of(record.dtype)));
      return;
    }
    if (record.shape != wanted) {
      const bool same_count =
          record.bytes.size() / size_of(record.dtype) == static_cast<std::size_t>(target.numel());
      if (!policy.allow_reshape || !same_count) {
        problems.push_back(fmt::format("shape differs (file -> network): {}", shapes));
        return;
      }
      report.reshaped.push_back(shapes);
    }
    report.matched.push_back(name);
    copies.push_back({target, &record});
  }
};

std::string preview(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  const std::size_t shown = std::min(names.size(), kShown);
  return fmt::format("{}{}",
                     fmt::join(names.begin(), names.begin() + static_cast<long>(shown), ", "),
                     names.size() > shown ? ", ..." : "");
}

}  // namespace

std::string LoadReport::text(const std::string& source) const {
  std::string line = fmt::format("{} tensors from {}", matched.size(), source);
  const auto append = [&line](const char* what, const std::vector<std::string>& names) {
    if (!names.empty()) line += fmt::format("; {} {} ({})", names.size(), what, preview(names));
  };
  append("missing", missing);
  append("extra", extra);
  append("reshaped", reshaped);
  return line;
}

LoadPreview preview_weights(const torch::nn::Module& module, std::span<const TensorRecord> tensors,
                            const LoadPolicy& policy) {
  Plan plan(named_state(module), tensors, policy);
  return {std::move(plan.report), std::move(plan.problems)};
}

LoadReport load_weights(torch::nn::Module& module, const TensorFile& file,
                        const LoadPolicy& policy) {
  Plan plan(named_state(module), file.tensors(), policy);
  if (!plan.problems.empty()) {
    fail<ConfigError>("{} does not fit the network, {} differences:\n  {}", file.path().string(),
                      plan.problems.size(), fmt::join(plan.problems, "\n  "));
  }
  const at::NoGradGuard no_grad;
  for (Copy& copy : plan.copies) {
    copy.target.copy_(to_tensor(*copy.source).view(copy.target.sizes()));
  }
  return plan.report;
}

TensorRecord to_record(const NamedTensor& entry) {
  const at::Tensor& tensor = entry.tensor;
  const std::optional<DType> dtype = dtype_of(tensor.scalar_type());
  if (!dtype) {
    fail<InternalError>("{}: element type {} cannot be stored", entry.name,
                        at::toString(tensor.scalar_type()));
  }
  if (!tensor.is_cpu() || !tensor.is_contiguous()) {
    fail<InternalError>("{} is not row-major on the CPU", entry.name);
  }
  return {.name = entry.name,
          .dtype = *dtype,
          .shape = tensor.sizes().vec(),
          .bytes = {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}};
}

at::Tensor row_major_on_cpu(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU).contiguous();
}

at::Tensor to_tensor(const TensorRecord& record) {
  // Copied as bytes: in a file they may begin at an address that is none for these elements, and a
  // bool may be any byte.
  const bool is_bool = record.dtype == DType::boolean;
  at::Tensor tensor = at::empty(record.shape, is_bool ? at::kByte : scalar_type(record.dtype));
  if (!record.bytes.empty()) {
    std::memcpy(tensor.mutable_data_ptr(), record.bytes.data(), record.bytes.size());
  }
  return is_bool ? tensor.ne(0) : tensor;
}

TensorStatistics statistics_of(const TensorRecord& record) {
  const at::Tensor values = to_tensor(record).to(at::kDouble).flatten();
  const at::Tensor is_nan = values.isnan();
  const at::Tensor numbers = values.masked_select(is_nan.logical_not());
  TensorStatistics result{.elements = values.numel(), .nans = is_nan.sum().item<std::int64_t>()};
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  result.min = result.max = result.mean = result.deviation = kNone;
  if (numbers.numel() == 0) return result;
  result.min = numbers.min().item<double>();
  result.max = numbers.max().item<double>();
  result.mean = numbers.mean().item<double>();
  result.deviation = numbers.std(/*unbiased=*/false).item<double>();
  return result;
}

}  // namespace dusk
