#include "nn/random_layers.hpp"

#include <torch/types.h>

#include <mutex>

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

/// The draws of one unit for one row of a batch of `rows`.
Random random_of_row(const DrawKey& key, std::uint64_t name, std::uint64_t unit, std::int64_t row,
                     std::int64_t rows) {
  const auto index = static_cast<std::uint64_t>(row);
  const std::uint64_t samples =
      key.positions.empty() ? static_cast<std::uint64_t>(rows) : key.positions.size();
  const std::uint64_t position = key.positions.empty() ? index : key.positions[index % samples];
  return Random(key.seed, {name, unit, key.pass, position, index / samples});
}

/// Of the device's kind; torch's own stays where it is.
at::Generator own_generator(c10::Device device) {
  at::Generator shared = at::globalContext().defaultGenerator(device);
  const std::scoped_lock lock(shared.mutex());
  return shared.clone();
}

}  // namespace

void RandomLayers::draw_from(const DrawKey& key, std::uint64_t name) {
  source_ = Keyed{.key = key, .name = name};
}

const RandomLayers::Keyed* RandomLayers::keyed() const {
  if (std::holds_alternative<Everything>(source_)) return nullptr;
  const auto* keyed = std::get_if<Keyed>(&source_);
  if (keyed == nullptr) {
    fail<InternalError>("a network with drop path or dropout runs in train mode before set_draws");
  }
  return keyed;
}

at::Tensor RandomLayers::survivors(std::span<const double> rates, std::int64_t rows,
                                   const at::Tensor& like, std::uint64_t first) const {
  const Keyed* const source = keyed();
  if (source == nullptr) return {};
  const auto units = static_cast<std::int64_t>(rates.size());
  at::Tensor scale = at::empty({units, rows}, at::kFloat);
  float* out = scale.mutable_data_ptr<float>();
  for (std::int64_t unit = 0; unit < units; ++unit) {
    const double rate = rates[static_cast<std::size_t>(unit)];
    for (std::int64_t row = 0; row < rows; ++row) {
      Random random = random_of_row(source->key, source->name,
                                    first + static_cast<std::uint64_t>(unit), row, rows);
      *out++ = random.chance(rate) ? 0.0F : static_cast<float>(1 / (1 - rate));
    }
  }
  return scale.to(like.device());
}

at::Tensor RandomLayers::surviving_values(double rate, const at::Tensor& like,
                                          std::uint64_t use) const {
  const Keyed* const source = keyed();
  if (source == nullptr) return {};
  at::Generator generator = own_generator(like.device());
  at::Tensor scale = at::empty(like.sizes(), like.options().dtype(at::kFloat));
  for (std::int64_t row = 0; row < like.size(0); ++row) {
    Random random = random_of_row(source->key, source->name, use, row, like.size(0));
    generator.set_current_seed(random.next());
    scale[row].bernoulli_(1 - rate, generator);
  }
  return scale.div_(1 - rate);
}

Dropout::Dropout(double rate, Of of) : torch::nn::Module("Dropout"), rate_(rate), of_(of) {
  if (rate < 0 || rate >= 1) fail<ConfigError>("dropout {} is not a probability below 1", rate);
}

at::Tensor Dropout::forward(const at::Tensor& x, std::uint64_t use) const {
  if (!is_training() || rate_ == 0) return x;
  at::Tensor scale;
  if (of_ == Of::values) {
    scale = surviving_values(rate_, x, use);
  } else {
    const std::vector<double> rates(static_cast<std::size_t>(x.size(1)), rate_);
    scale = survivors(rates, x.size(0), x, use * rates.size());
    if (scale.defined()) scale = scale.t().unsqueeze(2).unsqueeze(3);
  }
  return scale.defined() ? x * scale.to(x.scalar_type()) : x;
}

void set_draws(torch::nn::Module& module, const DrawKey& key) {
  for_each_random(
      module, [&key](RandomLayers& layers, std::uint64_t name) { layers.draw_from(key, name); });
}

void stop_draws(torch::nn::Module& module) {
  for_each_random(module, [](RandomLayers& layers, std::uint64_t) { layers.let_through(); });
}

}  // namespace dusk
