#include "io/field.hpp"

namespace dusk {

int channels_of(Field field) noexcept {
  return spec_of(field).channels;
}

std::size_t value_bytes_of(Field field) noexcept {
  return spec_of(field).value_bytes;
}

std::string_view name_of(Field field) noexcept {
  return spec_of(field).name;
}

bool SampleInfo::has(Field field) const noexcept {
  return this->*spec_of(field).present;
}

}  // namespace dusk
