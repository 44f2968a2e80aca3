#include "dusk/nn/cyclegan.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/nn/memory_format.hpp"
#include "golden_case.hpp"

namespace dusk {
namespace {

TEST(CycleGan, HasThePublishedParametersUnderTheirNames) {
  const auto generator = make_cyclegan_generator({});
  EXPECT_EQ(parameter_count(*generator), 11'378'179);
  EXPECT_EQ(test::state_lines(*generator), test::golden_lines("cyclegan_generator"));
  const auto discriminator = make_patch_discriminator({});
  EXPECT_EQ(parameter_count(*discriminator), 2'764'737);
  EXPECT_EQ(test::state_lines(*discriminator), test::golden_lines("patch_discriminator"));
}

TEST(CycleGan, EqualsThePythonNetworks) {
  const test::GoldenCases golden("cyclegan");
  for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    const auto generator = make_cyclegan_generator({.width = 4, .residual_blocks = 2});
    test::fill_closed_form(*generator);
    test::lower_bias(*generator, "model.19.bias");
    const auto discriminator = make_patch_discriminator({.width = 4});
    test::fill_closed_form(*discriminator);
    if (format == at::MemoryFormat::ChannelsLast) {
      to_channels_last(*generator);
      to_channels_last(*discriminator);
    }
    at::Tensor images = test::leaf("images", {2, 3, 24, 36}, format);
    const at::Tensor translated = generator->forward(images);
    EXPECT_TRUE(translated.is_contiguous(format));
    golden.check("generator", *generator, {images}, {translated});
    images = test::leaf("images", {2, 3, 50, 70}, format);
    golden.check("discriminator", *discriminator, {images}, {discriminator->forward(images)});
  }
}

TEST(CycleGan, AddsThePictureBeforeTheTanhWhereTold) {
  const auto generator =
      make_cyclegan_generator({.width = 4, .residual_blocks = 1, .global_skip = true});
  test::fill_closed_form(*generator);
  test::lower_bias(*generator, "model.18.bias");
  const at::Tensor images = test::leaf("images", {2, 3, 24, 36}, at::MemoryFormat::Contiguous);
  test::GoldenCases("cyclegan")
      .check("global_skip", *generator, {images}, {generator->forward(images)});
}

TEST(CycleGan, ScoresOverlappingPatches) {
  const at::NoGradGuard no_grad;
  const auto network = make_patch_discriminator({.width = 2});
  EXPECT_EQ(network->forward(at::zeros({1, 3, 256, 256})).sizes(), at::IntArrayRef({1, 1, 30, 30}));
  EXPECT_EQ(network->forward(at::zeros({1, 3, 71, 64})).sizes(), at::IntArrayRef({1, 1, 6, 6}));
}

TEST(CycleGan, StaysWithinOneAndWantsSidesOfFours) {
  const at::NoGradGuard no_grad;
  const auto network = make_cyclegan_generator({.width = 4, .residual_blocks = 1}, 1);
  const at::Tensor images = test::closed_form("images", {1, 3, 20, 28});
  const at::Tensor translated = network->forward(images);
  EXPECT_EQ(translated.sizes(), images.sizes());
  EXPECT_LT(translated.abs().max().item<float>(), 1);
  network->eval();
  EXPECT_TRUE(at::equal(network->forward(images), translated));
  EXPECT_THROW(network->forward(at::zeros({1, 3, 20, 30})), ConfigError);
}

TEST(CycleGan, StartsNormalWithDeviation002) {
  const auto generator = make_cyclegan_generator({}, 1);
  for (const auto& entry : generator->named_parameters()) {
    if (entry.value().dim() == 1) {
      EXPECT_TRUE(at::equal(entry.value(), at::zeros_like(entry.value()))) << entry.key();
    } else {
      EXPECT_NEAR(entry.value().std().item<double>(), 0.02, 0.001) << entry.key();
    }
  }
}

}  // namespace
}  // namespace dusk
