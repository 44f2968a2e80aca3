#include "dusk/io/dtype.hpp"

#include <array>

namespace dusk {
namespace {

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::size_t size;
};

/// In the order of the enumeration, so that a type is its own index.
constexpr std::array<DTypeRow, 10> kTypes{{{DType::u8, "U8", 1},
                                           {DType::i8, "I8", 1},
                                           {DType::i16, "I16", 2},
                                           {DType::i32, "I32", 4},
                                           {DType::i64, "I64", 8},
                                           {DType::f16, "F16", 2},
                                           {DType::bf16, "BF16", 2},
                                           {DType::f32, "F32", 4},
                                           {DType::f64, "F64", 8},
                                           {DType::boolean, "BOOL", 1}}};

const DTypeRow& row_of(DType dtype) noexcept {
  return kTypes[static_cast<std::size_t>(dtype)];
}

}  // namespace

std::size_t size_of(DType dtype) noexcept {
  return row_of(dtype).size;
}

std::string_view name_of(DType dtype) noexcept {
  return row_of(dtype).name;
}

std::optional<DType> parse_dtype(std::string_view name) noexcept {
  for (const DTypeRow& row : kTypes) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

}  // namespace dusk
