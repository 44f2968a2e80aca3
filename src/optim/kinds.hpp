#pragma once

#include <memory>
#include <vector>

#include "dusk/optim/optimizer.hpp"

namespace dusk {

[[nodiscard]] std::unique_ptr<Optimizer> make_sgd(const SgdOptions& options,
                                                  std::vector<ParameterGroup> groups);
[[nodiscard]] std::unique_ptr<Optimizer> make_adamw(const AdamWOptions& options,
                                                    std::vector<ParameterGroup> groups);
[[nodiscard]] std::unique_ptr<Optimizer> make_adam(const AdamWOptions& options,
                                                   std::vector<ParameterGroup> groups);

}  // namespace dusk
