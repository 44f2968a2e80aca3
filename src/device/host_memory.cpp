#include "dusk/device/host_memory.hpp"

#include <malloc.h>

namespace dusk {

void keep_freed_memory() {
  // Larger blocks still come from the system and go back: kept, they leave holes that the next ones
  // do not fit (a step of HRDA at 1024 x 1024: 5.8 GiB for 5.5).
  ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
  ::mallopt(M_TRIM_THRESHOLD, -1);  // never shrink the heap
  ::mallopt(M_TOP_PAD, 64 << 20);   // grow it in large steps
}

}  // namespace dusk
