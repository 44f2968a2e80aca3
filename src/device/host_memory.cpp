#include "dusk/device/host_memory.hpp"

#include <malloc.h>

namespace dusk {

void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);  // larger blocks still come from the system, and go back
  ::mallopt(M_TRIM_THRESHOLD, -1);       // never shrink the heap
  ::mallopt(M_TOP_PAD, 64 << 20);        // grow it in large steps
}

}  // namespace dusk
