#include "comm/arguments.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <array>

#include "dusk/base/error.hpp"

namespace dusk::comm {
namespace {

constexpr std::array kTypes{c10::ScalarType::Float,    c10::ScalarType::Double,
                            c10::ScalarType::BFloat16, c10::ScalarType::Half,
                            c10::ScalarType::Long,     c10::ScalarType::Int,
                            c10::ScalarType::Byte};

template <class... Args>
[[noreturn]] void refuse(Kind kind, const OpName& name, fmt::format_string<Args...> format,
                         Args&&... args) {
  fail<InternalError>("{} '{}': {}", to_string(kind), name.text,
                      fmt::format(format, std::forward<Args>(args)...));
}

void check(Kind kind, const OpName& name, std::string_view role, const at::Tensor& tensor,
           c10::DeviceType device) {
  if (!tensor.defined()) refuse(kind, name, "{} is undefined", role);
  if (tensor.layout() != c10::kStrided) refuse(kind, name, "{} is not a dense tensor", role);
  if (tensor.device().type() != device) {
    refuse(kind, name, "{} lives on {}, this communicator takes tensors on {}", role,
           tensor.device().str(), c10::DeviceTypeName(device, /*lower_case=*/true));
  }
  if (std::find(kTypes.begin(), kTypes.end(), tensor.scalar_type()) == kTypes.end()) {
    refuse(kind, name,
           "{} has type {}, allowed are float32, float64, bfloat16, float16, int64, "
           "int32, uint8",
           role, type_name(tensor.scalar_type()));
  }
}

void check_contiguous(Kind kind, const OpName& name, std::string_view role,
                      const at::Tensor& tensor) {
  if (!tensor.is_contiguous()) refuse(kind, name, "{} is not contiguous", role);
}

void check_same_type(Kind kind, const OpName& name, const at::Tensor& output,
                     const at::Tensor& input) {
  if (output.scalar_type() == input.scalar_type()) return;
  refuse(kind, name, "output has type {}, input {}", type_name(output.scalar_type()),
         type_name(input.scalar_type()));
}

bool overlap(const at::Tensor& a, const at::Tensor& b) {
  const auto* a_begin = static_cast<const std::byte*>(a.const_data_ptr());
  const auto* b_begin = static_cast<const std::byte*>(b.const_data_ptr());
  return a_begin < b_begin + b.nbytes() && b_begin < a_begin + a.nbytes();
}

}  // namespace

Operation elementwise(Kind kind, OpName name, const at::Tensor& buffer, c10::DeviceType device) {
  check(kind, name, "buffer", buffer, device);
  std::string layout;
  if (!buffer.is_contiguous()) {
    if (!buffer.is_non_overlapping_and_dense()) refuse(kind, name, "buffer has gaps or overlaps");
    layout = fmt::format("strides {}", fmt::join(buffer.strides(), "x"));
  }
  return {.kind = kind,
          .name = std::move(name),
          .type = buffer.scalar_type(),
          .bytes = Bytes{buffer.nbytes()},
          .layout = std::move(layout)};
}

Operation gathering(OpName name, const std::vector<at::Tensor>& outputs, const at::Tensor& input,
                    int rank, int size, c10::DeviceType device) {
  constexpr Kind kind = Kind::all_gather;
  check(kind, name, "input", input, device);
  check_contiguous(kind, name, "input", input);
  if (outputs.size() != static_cast<std::size_t>(size)) {
    refuse(kind, name, "{} outputs given for {} ranks", outputs.size(), size);
  }
  std::size_t bytes = 0;
  bool equal = true;
  std::vector<std::int64_t> lengths;
  for (const at::Tensor& output : outputs) {
    check(kind, name, "output", output, device);
    check_contiguous(kind, name, "output", output);
    check_same_type(kind, name, output, input);
    bytes += output.nbytes();
    lengths.push_back(output.numel());
    equal = equal && output.numel() == outputs.front().numel();
  }
  if (lengths[static_cast<std::size_t>(rank)] != input.numel()) {
    refuse(kind, name, "input has {} elements, its place in the output {}", input.numel(),
           lengths[static_cast<std::size_t>(rank)]);
  }
  return {.kind = kind,
          .name = std::move(name),
          .type = input.scalar_type(),
          .bytes = Bytes{bytes},
          .layout = equal ? std::string() : fmt::format("parts {}", fmt::join(lengths, "+"))};
}

Operation scattering(OpName name, const at::Tensor& output, const at::Tensor& input, int size,
                     c10::DeviceType device) {
  constexpr Kind kind = Kind::reduce_scatter;
  check(kind, name, "input", input, device);
  check(kind, name, "output", output, device);
  check_contiguous(kind, name, "input", input);
  check_contiguous(kind, name, "output", output);
  check_same_type(kind, name, output, input);
  if (input.numel() != output.numel() * size) {
    refuse(kind, name, "input has {} elements, must be {} (ranks) x {} (output)", input.numel(),
           size, output.numel());
  }
  if (overlap(input, output)) refuse(kind, name, "input and output overlap");
  return {.kind = kind,
          .name = std::move(name),
          .type = input.scalar_type(),
          .bytes = Bytes{input.nbytes()},
          .layout = {}};
}

void check_reduction(const Operation& operation) {
  if (operation.reduce == ReduceOp::mean && !c10::isFloatingType(operation.type)) {
    refuse(operation.kind, operation.name, "{} has no mean; reduce the sum and divide",
           type_name(operation.type));
  }
}

void check_root(const Operation& operation, int size) {
  if (operation.root < 0 || operation.root >= size) {
    refuse(operation.kind, operation.name, "root {} is none of the {} ranks", operation.root, size);
  }
}

std::vector<at::Tensor> parts_of(const at::Tensor& output, int size, const OpName& name) {
  if (!output.defined()) refuse(Kind::all_gather, name, "output is undefined");
  check_contiguous(Kind::all_gather, name, "output", output);
  if (output.numel() % size != 0) {
    refuse(Kind::all_gather, name, "output has {} elements, not a multiple of {} ranks",
           output.numel(), size);
  }
  const at::Tensor flat = output.detach().view(-1);
  const std::int64_t length = output.numel() / size;
  std::vector<at::Tensor> parts;
  for (int rank = 0; rank < size; ++rank) parts.push_back(flat.narrow(0, rank * length, length));
  return parts;
}

std::span<std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

}  // namespace dusk::comm
