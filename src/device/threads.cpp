#include <ATen/Parallel.h>

#include "dusk/base/error.hpp"
#include "dusk/device/device.hpp"

namespace dusk {

void set_cpu_threads(int threads) {
  constexpr int kMost = 1024;
  if (threads < 1 || threads > kMost) {
    fail<ConfigError>("{} CPU threads asked for, must be in 1..{}", threads, kMost);
  }
  at::set_num_threads(threads);
}

int cpu_threads() {
  return at::get_num_threads();
}

}  // namespace dusk
