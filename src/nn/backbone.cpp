#include "dusk/nn/backbone.hpp"

namespace dusk {

LoadPolicy Backbone::load_policy(const TensorFile& /*file*/) const {
  return {.renames = {},
          .allowed_extra = {"fc.*", "classifier.*", "features.18.*"},
          .allowed_missing = {"*.num_batches_tracked"},
          .allow_reshape = false};
}

}  // namespace dusk
