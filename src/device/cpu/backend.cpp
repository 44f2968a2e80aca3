#include "device/backend.hpp"

#include "dusk/base/error.hpp"

namespace dusk::backend {
namespace {

[[noreturn]] void refuse() {
  fail<InternalError>("a GPU was addressed in a build without CUDA");
}

}  // namespace

bool with_cuda() noexcept {
  return false;
}
int device_count() noexcept {
  return 0;
}
void use_device(int) {
  refuse();
}
std::string device_name(int) {
  refuse();
}
std::string hardware_id(int) {
  refuse();
}
void synchronize(int) {
  refuse();
}
MemoryReport memory(int) {
  refuse();
}
void reset_peak_memory(int) {
  refuse();
}

}  // namespace dusk::backend
