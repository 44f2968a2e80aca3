#pragma once

#include <string>

namespace dusk {

/// A named range in the profiler's time line (Nsight Systems). Costs nothing in a build without
/// CUDA, and next to nothing while no profiler is attached.
class NvtxRange {
 public:
  explicit NvtxRange(const std::string& name);
  ~NvtxRange();
  NvtxRange(const NvtxRange&) = delete;
  NvtxRange& operator=(const NvtxRange&) = delete;
};

}  // namespace dusk
