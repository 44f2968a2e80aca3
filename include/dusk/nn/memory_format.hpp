#pragma once

namespace torch::nn {
class Module;
}

namespace dusk {

/// Lays the 4-D parameters of a module out as channels-last (values, shapes and names stay).
/// Call before optimizers and gradient buckets are made: they copy the strides that they find.
void to_channels_last(torch::nn::Module& module);

}  // namespace dusk
