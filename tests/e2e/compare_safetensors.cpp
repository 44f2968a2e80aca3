// compare_safetensors A B TOLERANCE: exit 0 when both files hold the same tensors and no tensor's
// relative difference (Euclidean norm of the difference over the norm of A's) exceeds TOLERANCE.

#include <cmath>
#include <cstring>
#include <iostream>
#include <string>

#include "dusk/io/safetensors.hpp"

namespace {

using namespace dusk;

/// Relative difference of two float32 tensors; other types must be equal byte for byte.
double difference(const TensorRecord& a, const TensorRecord& b) {
  if (a.dtype != DType::f32) {
    return std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0 ? 0 : 1;
  }
  double squared = 0;
  double norm = 0;
  for (std::size_t i = 0; i < a.bytes.size(); i += sizeof(float)) {
    float x = 0;
    float y = 0;
    std::memcpy(&x, a.bytes.data() + i, sizeof x);
    std::memcpy(&y, b.bytes.data() + i, sizeof y);
    squared += (static_cast<double>(x) - y) * (static_cast<double>(x) - y);
    norm += static_cast<double>(x) * x;
  }
  return norm > 0 ? std::sqrt(squared / norm) : std::sqrt(squared);
}

int compare(const char* first, const char* second, double tolerance) {
  const SafetensorsFile a(first);
  const SafetensorsFile b(second);
  if (a.tensors().empty() || a.tensors().size() != b.tensors().size()) {
    std::cerr << a.tensors().size() << " and " << b.tensors().size() << " tensors\n";
    return 1;
  }
  double worst = 0;
  std::string where;
  for (const TensorRecord& record : a.tensors()) {
    const TensorRecord* other = b.find(record.name);
    if (other == nullptr || other->shape != record.shape || other->dtype != record.dtype) {
      std::cerr << record.name << " is not the same kind of tensor in both\n";
      return 1;
    }
    const double value = difference(record, *other);
    if (!(value <= worst)) {
      worst = value;
      where = record.name;
    }
  }
  std::cout << "largest relative difference " << worst << " in " << where << '\n';
  return worst <= tolerance ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: compare_safetensors A B TOLERANCE\n";
    return 64;
  }
  try {
    return compare(argv[1], argv[2], std::stod(argv[3]));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 65;
  }
}
