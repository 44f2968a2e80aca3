#include "dusk/nn/memory_format.hpp"

#include <torch/nn/module.h>
#include <torch/types.h>

namespace dusk {

void to_channels_last(torch::nn::Module& module) {
  for (at::Tensor& parameter : module.parameters()) {
    if (parameter.dim() == 4) {
      // The variable stays (optimizers and hooks hold it); only what it points to is replaced.
      parameter.set_data(parameter.detach().contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
}

}  // namespace dusk
