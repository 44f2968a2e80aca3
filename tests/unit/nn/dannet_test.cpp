#include "dusk/nn/dannet.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/nn/memory_format.hpp"
#include "golden_case.hpp"
#include "published_count.hpp"

namespace dusk {
namespace {

const LightNetOptions kSmall{.width = 4, .n_blocks = 2};
const LightNetOptions kOfDepthSegNet24{.n_down = 1, .n_blocks = 0};

TEST(LightNet, HasThePublishedParametersUnderTheirNames) {
  const auto network = make_light_net({});
  EXPECT_EQ(parameter_count(*network), 4'299'395);
  EXPECT_EQ(test::state_lines(*network), test::golden_lines("light_net"));
  EXPECT_EQ(parameter_count(*make_light_net(kOfDepthSegNet24)), 166'787);
}

TEST(LightNet, OfDepthSegNet24CostsThePublishedOperations) {
  const auto network = make_light_net(kOfDepthSegNet24);
  // Two images of 32 x 64: every layer's size is proportional to the picture's.
  const at::Tensor images = at::rand({2, 3, 32, 64});
  const auto rows = layer_table(*network, [&] { network->forward(images); });
  const std::int64_t published = test::published_count(rows, /*transposed=*/"model.7");
  EXPECT_EQ(published / (2 * 32 * 64), 111'616);
  EXPECT_EQ(published % (2 * 32 * 64), 0);
  const double pictures = 320.0 * 576 / (2 * 32 * 64) / 1e9;
  EXPECT_NEAR(static_cast<double>(published) * pictures, 20.573, 5e-4);
  EXPECT_NEAR(static_cast<double>(test::convolution_count(rows)) * pictures, 10.263, 5e-4);
}

TEST(LightNet, EqualsThePythonNetwork) {
  const test::GoldenCases golden("dannet");
  for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    for (const std::string mode : {"eval", "train"}) {
      const auto network = make_light_net(kSmall);
      test::fill_closed_form(*network);
      test::lower_bias(*network, "model.19.bias");
      network->train(mode == "train");
      if (format == at::MemoryFormat::ChannelsLast) to_channels_last(*network);
      const at::Tensor images = test::leaf("images", {2, 3, 24, 36}, format);
      const at::Tensor residual = network->forward(images);
      EXPECT_TRUE(residual.is_contiguous(format));
      golden.check(mode, *network, {images}, {residual});
      if (mode == "eval") continue;
      std::vector<at::Tensor> sums;
      for (const NamedTensor& entry : named_state(*network)) {
        if (entry.name.ends_with("mean") || entry.name.ends_with("var")) {
          sums.push_back(entry.tensor.sum());
        }
      }
      golden.expect_close("train.running_sums", at::stack(sums));
    }
  }
}

TEST(LightNet, LeavesThePictureAloneWithoutItsLastLayer) {
  const at::NoGradGuard no_grad;
  const auto network = make_light_net(kSmall, 1);
  const at::Tensor images = test::closed_form("images", {2, 3, 12, 20});
  const at::Tensor residual = network->forward(images);
  EXPECT_EQ(residual.sizes(), images.sizes());
  EXPECT_LT(residual.abs().max().item<float>(), 1);
  EXPECT_GT(residual.abs().max().item<float>(), 0);
  network->named_parameters()["model.19.weight"].zero_();
  network->named_parameters()["model.19.bias"].zero_();
  EXPECT_TRUE(at::equal(images + network->forward(images), images));
}

TEST(LightNet, WantsSidesThatItsDownSamplingsDivide) {
  const auto network = make_light_net(kSmall);
  EXPECT_THROW(network->forward(at::zeros({1, 3, 12, 18})), ConfigError);
  EXPECT_NO_THROW(make_light_net(kOfDepthSegNet24)->forward(at::zeros({1, 3, 12, 18})));
}

TEST(LightNet, StartsAsInPythonPyTorch) {
  const auto network = make_light_net({}, 1);
  for (const auto& entry : network->named_parameters()) {
    if (entry.value().dim() != 4) continue;
    const double bound = 1 / std::sqrt(static_cast<double>(entry.value()[0].numel()));
    const double largest = entry.value().abs().max().item<double>();
    EXPECT_LT(largest, bound * 1.0001) << entry.key();
    EXPECT_GT(largest, bound * 0.99) << entry.key();
  }
  const at::Tensor bias = network->named_parameters()["model.20.bias"];
  EXPECT_GT(bias.abs().max().item<double>(), 0);
  EXPECT_LT(bias.abs().max().item<double>(), 1 / std::sqrt(64.0 * 49));
}

TEST(OutputDiscriminator, HasThePublishedParametersUnderTheirNames) {
  const auto network = make_output_discriminator({}, 19);
  EXPECT_EQ(parameter_count(*network), 1'728'193);
  EXPECT_EQ(test::state_lines(*network), test::golden_lines("output_discriminator"));
  EXPECT_FALSE(at::equal(make_output_discriminator({}, 19, 1)->parameters()[0],
                         make_output_discriminator({}, 19, 2)->parameters()[0]));
}

TEST(OutputDiscriminator, HasThePublishedSizes) {
  const at::NoGradGuard no_grad;
  const auto network = make_output_discriminator({.width = 1}, 2);
  EXPECT_EQ(network->forward(at::zeros({1, 2, 512, 512})).sizes(),
            at::IntArrayRef({1, 1, 125, 125}));
  EXPECT_EQ(network->forward(at::zeros({1, 2, 960, 960})).sizes(),
            at::IntArrayRef({1, 1, 237, 237}));
  for (at::Tensor& parameter : network->parameters()) parameter.zero_();
  EXPECT_EQ(network->forward(at::rand({1, 2, 64, 64})).abs().max().item<float>(), 0);
}

TEST(OutputDiscriminator, EqualsThePythonNetwork) {
  const test::GoldenCases golden("dannet");
  for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    const auto network = make_output_discriminator({.width = 4}, 3);
    test::fill_closed_form(*network);
    if (format == at::MemoryFormat::ChannelsLast) to_channels_last(*network);
    const at::Tensor maps = test::leaf("maps", {2, 3, 50, 70}, format);
    golden.check("discriminator", *network, {maps}, {network->forward(maps)});
  }
}

}  // namespace
}  // namespace dusk
