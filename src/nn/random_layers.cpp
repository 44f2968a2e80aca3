#include "nn/random_layers.hpp"

#include <torch/nn/module.h>
#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/base/random.hpp"

namespace dusk {
namespace {

/// `set(layers, name)` for every module below `module` that has random layers, itself included.
template <class Set>
void for_each_random(torch::nn::Module& module, const Set& set) {
  for (const auto& child : module.named_modules()) {
    auto* layers = dynamic_cast<RandomLayers*>(child.value().get());
    if (layers != nullptr) set(*layers, checksum64(child.key()));
  }
}

}  // namespace

void RandomLayers::draw_from(const DrawKey& key, std::uint64_t name) {
  source_ = Keyed{.key = key, .name = name};
}

at::Tensor RandomLayers::survivors(std::span<const double> rates, std::int64_t rows,
                                   const at::Tensor& like) const {
  if (std::holds_alternative<Everything>(source_)) return {};
  const auto* keyed = std::get_if<Keyed>(&source_);
  if (keyed == nullptr) {
    fail<InternalError>("a network with drop path or dropout runs in train mode before set_draws");
  }
  const DrawKey& key = keyed->key;
  const auto units = static_cast<std::int64_t>(rates.size());
  at::Tensor scale = at::empty({units, rows}, at::kFloat);
  float* out = scale.mutable_data_ptr<float>();
  for (std::int64_t unit = 0; unit < units; ++unit) {
    const double rate = rates[static_cast<std::size_t>(unit)];
    for (std::uint64_t row = 0; row < static_cast<std::uint64_t>(rows); ++row) {
      const std::uint64_t samples =
          key.positions.empty() ? static_cast<std::uint64_t>(rows) : key.positions.size();
      const std::uint64_t position = key.positions.empty() ? row : key.positions[row % samples];
      Random random(key.seed, {keyed->name, static_cast<std::uint64_t>(unit), key.pass, position,
                               row / samples});
      *out++ = random.chance(rate) ? 0.0F : static_cast<float>(1 / (1 - rate));
    }
  }
  return scale.to(like.device());
}

void set_draws(torch::nn::Module& module, const DrawKey& key) {
  for_each_random(
      module, [&key](RandomLayers& layers, std::uint64_t name) { layers.draw_from(key, name); });
}

void stop_draws(torch::nn::Module& module) {
  for_each_random(module, [](RandomLayers& layers, std::uint64_t) { layers.let_through(); });
}

}  // namespace dusk
