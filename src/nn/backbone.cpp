#include "dusk/nn/backbone.hpp"

namespace dusk {

LoadPolicy Backbone::load_policy(const SafetensorsFile& /*file*/) const {
  return {.prefixes = {},
          .allowed_extra = {"fc.*", "classifier.*", "features.18.*"},
          .allowed_missing = {"*.num_batches_tracked"},
          .allow_reshape = false};
}

}  // namespace dusk
