#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace dusk {

/// Element types of stored tensors; the names in files are those of safetensors.
enum class DType { u8, i8, i16, i32, i64, f16, bf16, f32, f64, boolean };

/// Bytes of one element.
[[nodiscard]] std::size_t size_of(DType dtype) noexcept;

/// "U8", "I8", "I16", "I32", "I64", "F16", "BF16", "F32", "F64", "BOOL".
[[nodiscard]] std::string_view name_of(DType dtype) noexcept;

/// The inverse of `name_of`; empty for any other text.
[[nodiscard]] std::optional<DType> parse_dtype(std::string_view name) noexcept;

}  // namespace dusk
