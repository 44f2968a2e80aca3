#include "dusk/train/step_context.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <limits>

#include "dusk/base/error.hpp"
#include "dusk/comm/in_process.hpp"

namespace dusk {
namespace {

struct OneWeight : torch::nn::Module {
  OneWeight() : weight(register_parameter("weight", torch::ones({1}))) {}
  at::Tensor weight;
};

/// A network with its part of a step: the gradient is `slope`.
struct Part {
  Part(const std::string& name, Communicator& communicator)
      : network(std::make_shared<OneWeight>()),
        trainable(name, network, OptimOptions{}, Horizon{.steps = 100}, communicator) {}

  void step(float slope, StepContext& context) {
    trainable.zero_grad();
    trainable.arm();
    (network->weight * slope).sum().backward();
    context.update(trainable);
  }

  std::shared_ptr<OneWeight> network;
  Trainable trainable;
};

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// A GAN whose discriminator never moves again is lost, however well its generator does.
TEST(StepContext, APartThatIsStuckEndsTheRunAlthoughAnotherGoesOn) {
  run_in_process(1, [](Communicator& communicator) {
    const at::AutoGradMode grad(true);
    const Device device = Device::cpu();
    TrainState state;
    StepContext context(communicator, device, Precision::fp32, state, {.in_a_row = 2});
    Part good("good", communicator);
    Part bad("bad", communicator);
    for (int i = 0; i < 2; ++i) {
      bad.step(kInfinity, context);
      good.step(1, context);
    }
    EXPECT_EQ(state.skipped_in_a_row, 2);
    bad.step(1, context);  // it moves again: counted anew
    EXPECT_EQ(state.skipped_in_a_row, 0);
    for (int i = 0; i < 2; ++i) {
      bad.step(kInfinity, context);
      good.step(1, context);
    }
    EXPECT_EQ(state.skipped, 4);
    EXPECT_THROW(bad.step(kInfinity, context), InternalError);
  });
}

}  // namespace
}  // namespace dusk
