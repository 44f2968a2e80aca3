#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <functional>

#include "dusk/ddp/gradient_bucketer.hpp"
#include "unit/ddp/bucketer_suite.hpp"

namespace dusk::test {
namespace {

/// So that every parameter has a bucket of its own.
constexpr BucketOptions kTiny{.first = Bytes{8}, .rest = Bytes{8}};

/// Whole numbers from -2 to 2.
at::Tensor pattern(at::IntArrayRef sizes, std::int64_t salt) {
  const at::Tensor count = torch::arange(c10::multiply_integers(sizes), torch::kLong);
  return ((count * 7 + salt * 3).remainder(5) - 2).to(torch::kDouble).view(sizes);
}

/// x -> x weight + bias, in float64 and with whole numbers, whose sums are exact in any order.
struct Linear {
  Linear(std::int64_t inputs, std::int64_t outputs, std::int64_t salt)
      : weight(pattern({inputs, outputs}, salt).requires_grad_()),
        bias(pattern({outputs}, salt + 1).requires_grad_()) {}
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const { return x.matmul(weight) + bias; }
  [[nodiscard]] std::vector<at::Tensor> tensors() const { return {weight, bias}; }
  [[nodiscard]] std::vector<NamedParameter> named(const std::string& name) const {
    return {{name + ".weight", weight}, {name + ".bias", bias}};
  }
  /// Any update that depends on the gradient and leaves small whole numbers.
  void update(double factor) const {
    const at::NoGradGuard no_gradient;
    for (const at::Tensor& tensor : tensors()) {
      tensor.copy_((tensor - factor * tensor.grad()).remainder(7) - 3);
    }
  }

  at::Tensor weight;
  at::Tensor bias;
};

/// Three networks that are trained against and with each other, as in image translation: the
/// discriminator judges what the generator makes, the segmenter reads it.
struct Game {
  Linear generator{4, 3, 1};
  Linear discriminator{3, 3, 2};
  Linear segmenter{3, 2, 3};

  [[nodiscard]] at::Tensor fake(int rank, int step) const {
    return generator(pattern({2, 4}, 11 * rank + step));
  }
  [[nodiscard]] at::Tensor real_loss(int rank, int step) const {
    return discriminator(pattern({2, 3}, 5 * rank + step + 1)).square().sum();
  }
  [[nodiscard]] at::Tensor fake_loss(int rank, int step) const {
    return discriminator(fake(rank, step)).square().sum();
  }
  [[nodiscard]] at::Tensor segmenter_loss(int rank, int step) const {
    return segmenter(fake(rank, step)).square().sum();
  }
};

/// Are the gradients of `network` those of `loss`, added up over ranks by a plain loop?
bool holds_the_sum(const Linear& network, int ranks, const std::function<at::Tensor(int)>& loss) {
  std::vector<at::Tensor> sums{torch::zeros_like(network.weight), torch::zeros_like(network.bias)};
  for (int rank = 0; rank < ranks; ++rank) {
    const auto gradients = torch::autograd::grad({loss(rank)}, network.tensors());
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += gradients[i];
  }
  return network.weight.grad().equal(sums[0]) && network.bias.grad().equal(sums[1]);
}

}  // namespace

std::string adversarial_training_exchanges_each_network_at_its_own_moment(Communicator& comm) {
  const auto own = comm.split(0, comm.rank());  // of what is armed together with the generator
  const Game game;
  GradientBucketer generator(game.generator.named("generator"), comm, kTiny, "generator");
  GradientBucketer discriminator(game.discriminator.named("discriminator"), comm, kTiny,
                                 "discriminator");
  GradientBucketer segmenter(game.segmenter.named("segmenter"), *own, kTiny, "segmenter");

  for (int step = 0; step < 3; ++step) {
    // The discriminator is armed while the generator only accumulates.
    discriminator.zero();
    game.real_loss(comm.rank(), step).backward();
    discriminator.arm();
    game.fake_loss(comm.rank(), step).backward();
    discriminator.finish();
    if (!holds_the_sum(game.discriminator, comm.size(), [&](int rank) {
          return game.real_loss(rank, step) + game.fake_loss(rank, step);
        })) {
      return fmt::format("step {}: the discriminator's gradients are not the sum", step);
    }
    game.discriminator.update(1);

    // Generator and segmenter are armed for one backward while the discriminator accumulates. The
    // ranks build their graphs in different orders, so gradients arrive in different orders.
    generator.zero();
    segmenter.zero();
    generator.arm();
    segmenter.arm();
    const at::Tensor first = game.fake_loss(comm.rank(), step);
    const at::Tensor second = game.segmenter_loss(comm.rank(), step);
    (comm.rank() % 2 == 0 ? first + second : second + first).backward();
    segmenter.finish();
    generator.finish();
    if (!holds_the_sum(game.generator, comm.size(), [&](int rank) {
          return game.fake_loss(rank, step) + game.segmenter_loss(rank, step);
        })) {
      return fmt::format("step {}: the generator's gradients are not the sum", step);
    }
    if (!holds_the_sum(game.segmenter, comm.size(),
                       [&](int rank) { return game.segmenter_loss(rank, step); })) {
      return fmt::format("step {}: the segmenter's gradients are not the sum", step);
    }
    game.generator.update(2);
    game.segmenter.update(3);
  }
  return "";
}

}  // namespace dusk::test
