#include "dusk/nn/init.hpp"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/base/random.hpp"

namespace dusk {
namespace {

struct Fans {
  double in, out;
};

Fans fans_of(const at::Tensor& weight) {
  if (weight.dim() < 2) fail<InternalError>("fan of a tensor with {} dimensions", weight.dim());
  const auto count = static_cast<double>(weight.numel());
  return {.in = count / static_cast<double>(weight.size(0)),
          .out = count / static_cast<double>(weight.size(1))};
}

/// Elements that share one generator. Part of the result: another number is another network.
constexpr std::int64_t kChunk = 4096;

template <class Draw>
void fill(at::Tensor& tensor, const InitKey& key, const Draw& draw) {
  if (key.seed == kNoInitialValues) return;
  const at::NoGradGuard no_grad;
  const std::uint64_t name = checksum64(std::as_bytes(std::span(key.name)));
  at::Tensor values = at::empty(tensor.sizes(), at::kFloat);
  float* const data = values.mutable_data_ptr<float>();
  const std::int64_t count = values.numel();
  const std::int64_t chunks = (count + kChunk - 1) / kChunk;
  at::parallel_for(0, chunks, /*grain_size=*/1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t chunk = first; chunk < last; ++chunk) {
      Random random(key.seed, {name, static_cast<std::uint64_t>(chunk)});
      const std::int64_t end = std::min(count, (chunk + 1) * kChunk);
      for (std::int64_t i = chunk * kChunk; i < end; ++i) data[i] = draw(random);
    }
  });
  tensor.copy_(values);
}

}  // namespace

void normal(at::Tensor& tensor, double deviation, const InitKey& key) {
  fill(tensor, key,
       [deviation](Random& random) { return static_cast<float>(deviation * random.normal()); });
}

void truncated_normal(at::Tensor& tensor, double deviation, const InitKey& key) {
  constexpr double kBound = 2;
  fill(tensor, key, [deviation](Random& random) {
    double value = deviation * random.normal();
    while (std::abs(value) > kBound) value = deviation * random.normal();
    return static_cast<float>(value);
  });
}

void uniform(at::Tensor& tensor, double bound, const InitKey& key) {
  fill(tensor, key,
       [bound](Random& random) { return static_cast<float>(random.uniform(-bound, bound)); });
}

void kaiming_normal(at::Tensor& weight, Fan fan, const InitKey& key) {
  const Fans fans = fans_of(weight);
  normal(weight, std::sqrt(2.0 / (fan == Fan::in ? fans.in : fans.out)), key);
}

void grouped_kaiming_normal(at::Tensor& weight, std::int64_t groups, const InitKey& key) {
  normal(weight, std::sqrt(2.0 * static_cast<double>(groups) / fans_of(weight).out), key);
}

void xavier_uniform(at::Tensor& weight, const InitKey& key) {
  const Fans fans = fans_of(weight);
  uniform(weight, std::sqrt(6.0 / (fans.in + fans.out)), key);
}

void pytorch_default(at::Tensor& weight, const InitKey& key) {
  uniform(weight, 1 / std::sqrt(fans_of(weight).in), key);
}

void pytorch_default_bias(at::Tensor& bias, const at::Tensor& weight, const InitKey& key) {
  uniform(bias, 1 / std::sqrt(fans_of(weight).in), key);
}

void constant(at::Tensor& tensor, double value) {
  const at::NoGradGuard no_grad;
  tensor.fill_(value);
}

}  // namespace dusk
