#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dusk/io/shard.hpp"

namespace dusk {

/// What distinguishes a field in a shard; a new kind of data is a line in the table of these.
struct FieldSpec {
  Field field;
  std::string_view name;
  int channels;
  std::size_t value_bytes;    ///< unsigned whole numbers
  std::uint8_t fill;          ///< what HDF5 shows where a sample has no such field
  bool SampleInfo::*present;  ///< column /samples/has_NAME; of images all samples or none
};

/// In the order of the enumeration, so that a field is its own index.
inline constexpr std::array<FieldSpec, kFields.size()> kFieldSpecs{{
    {Field::image, "image", 3, 1, 0, &SampleInfo::has_image},
    {Field::label, "label", 1, 1, kIgnoredLabel, &SampleInfo::has_label},
    {Field::depth, "depth", 1, 2, 0, &SampleInfo::has_depth},
    {Field::confidence, "confidence", 1, 1, 0, &SampleInfo::has_confidence},
}};

/// Position of a field in `kFields`.
[[nodiscard]] constexpr std::size_t number_of(Field field) noexcept {
  return static_cast<std::size_t>(field);
}

[[nodiscard]] constexpr const FieldSpec& spec_of(Field field) noexcept {
  return kFieldSpecs[number_of(field)];
}

/// The fields that a sample may lack beside others that have them.
[[nodiscard]] constexpr std::span<const FieldSpec> optional_fields() noexcept {
  return std::span(kFieldSpecs).subspan(1);
}

/// Bytes of one pixel, all channels.
[[nodiscard]] constexpr std::size_t pixel_bytes_of(Field field) noexcept {
  return static_cast<std::size_t>(spec_of(field).channels) * spec_of(field).value_bytes;
}

}  // namespace dusk
