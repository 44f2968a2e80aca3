#include "dusk/nn/unit_translator.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/nn/memory_format.hpp"
#include "golden_case.hpp"

namespace dusk {
namespace {

using enum UnitDomain;
const UnitTranslatorOptions kSmall{.width = 4, .residual_blocks = 2};

std::int64_t count_below(const torch::nn::Module& network, const std::string& prefix) {
  std::int64_t count = 0;
  for (const NamedTensor& entry : named_state(network)) {
    if (entry.name.starts_with(prefix)) count += entry.tensor.numel();
  }
  return count;
}

TEST(UnitTranslator, HasThePublishedParametersUnderTheirNames) {
  const auto network = make_unit_translator({}, kNoInitialValues);
  for (const std::string domain : {"a.", "b."}) {
    EXPECT_EQ(count_below(*network, domain + "enc."), 5'385'856);
    EXPECT_EQ(count_below(*network, domain + "dec."), 5'754'627);
  }
  EXPECT_EQ(test::state_lines(*network), test::golden_lines("unit_translator"));
}

TEST(UnitTranslator, SharedBlocksExistOnce) {
  for (const std::int64_t shared : {0, 1, 4}) {
    const auto network = make_unit_translator({.share_res = shared}, kNoInitialValues);
    EXPECT_EQ(parameter_count(*network), 22'280'966 - 2'360'320 * shared);
  }
  EXPECT_THROW(make_unit_translator({.residual_blocks = 2, .share_res = 3}), ConfigError);
}

TEST(UnitTranslator, SharedBlocksAreTheDeepestOnes) {
  // Of two blocks the encoders share the last and the decoders the first; b's own names are left.
  UnitTranslatorOptions options = kSmall;
  options.share_res = 1;
  const auto network = make_unit_translator(options, 1);
  const auto names = network->named_parameters();
  EXPECT_TRUE(names.contains("b.enc.model.3.model.0.model.0.conv.weight"));
  EXPECT_FALSE(names.contains("b.enc.model.3.model.1.model.0.conv.weight"));
  EXPECT_FALSE(names.contains("b.dec.model.0.model.0.model.0.conv.weight"));
  EXPECT_TRUE(names.contains("b.dec.model.0.model.1.model.0.conv.weight"));
  const at::Tensor images = test::closed_form("images", {1, 3, 8, 8});
  network->decode(b, network->encode(b, images)).sum().backward();
  for (const std::string part : {"enc.model.3.model.1", "dec.model.0.model.0"}) {
    const std::string shared = "a." + part + ".model.0.conv.weight";
    EXPECT_TRUE(names[shared].grad().defined()) << shared;
  }
  EXPECT_FALSE(names["a.enc.model.0.conv.weight"].grad().defined());
}

TEST(UnitTranslator, EqualsThePythonNetworkThroughACycle) {
  const test::GoldenCases golden("unit_translator");
  for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    const auto network = make_unit_translator(kSmall);
    test::fill_closed_form(*network);
    test::lower_bias(*network, "a.dec.model.5.conv.bias");
    test::lower_bias(*network, "b.dec.model.5.conv.bias");
    if (format == at::MemoryFormat::ChannelsLast) to_channels_last(*network);
    const at::Tensor images = test::leaf("images", {2, 3, 24, 36}, format);
    const at::Tensor h = network->encode(a, images);
    const at::Tensor x_ab = network->decode(b, h + test::closed_form("noise", h.sizes()));
    const at::Tensor h_aba = network->encode(b, x_ab);
    const at::Tensor x_aba = network->decode(a, h_aba);
    EXPECT_TRUE(h.is_contiguous(format) && x_aba.is_contiguous(format));
    golden.check("cycle", *network, {images}, {h, x_ab, h_aba, x_aba});
  }
}

TEST(UnitTranslator, HasALatentOfAQuarterOfTheSideAndImagesWithinOne) {
  const at::NoGradGuard no_grad;
  const auto network = make_unit_translator({}, 1);
  const at::Tensor images = test::closed_form("images", {1, 3, 64, 32});
  const at::Tensor h = network->encode(a, images);
  EXPECT_EQ(h.sizes(), at::IntArrayRef({1, 256, 16, 8}));
  const at::Tensor translated = network->decode(b, h);
  EXPECT_EQ(translated.sizes(), images.sizes());
  EXPECT_LT(translated.abs().max().item<float>(), 1);
  EXPECT_TRUE(at::equal(network->translate(a, b, images), translated));
  network->eval();
  EXPECT_TRUE(at::equal(network->translate(a, b, images), translated));
}

TEST(UnitTranslator, TakesOddSizesByPaddingAtTheEnd) {
  const at::NoGradGuard no_grad;
  const auto network = make_unit_translator(kSmall, 1);
  // A strip of 910x512, the thesis's size.
  const at::Tensor images = test::closed_form("images", {1, 3, 22, 910});
  const at::Tensor translated = network->translate(a, b, images);
  EXPECT_EQ(translated.sizes(), images.sizes());
  const at::Tensor mirrored = at::reflection_pad2d(images, {0, 2, 0, 2});
  EXPECT_TRUE(
      at::equal(translated,
                network->decode(b, network->encode(a, mirrored)).slice(2, 0, 22).slice(3, 0, 910)));
  EXPECT_THROW(network->encode(a, images), ConfigError);
  const at::Tensor least = test::closed_form("least", {1, 3, 5, 6});
  EXPECT_EQ(network->translate(b, a, least).sizes(), least.sizes());
}

TEST(UnitTranslator, StartsByTheRecipe) {
  const auto network = make_unit_translator({}, 3);
  const auto p = network->named_parameters();
  const at::Tensor gamma = p["a.dec.model.2.norm.gamma"];
  EXPECT_GE(gamma.min().item<double>(), 0);
  EXPECT_LT(gamma.max().item<double>(), 1);
  EXPECT_NEAR(gamma.mean().item<double>(), 0.5, 0.1);
  EXPECT_TRUE(at::equal(p["a.dec.model.2.norm.beta"], at::zeros({128})));
  EXPECT_TRUE(at::equal(p["b.enc.model.1.conv.bias"], at::zeros({128})));
  // Kaiming by fan-in: 128 inputs of a 4x4 kernel.
  const double deviation = p["a.enc.model.2.conv.weight"].std().item<double>();
  EXPECT_NEAR(deviation, std::sqrt(2.0 / (128 * 16)), 0.0005);
  EXPECT_FALSE(at::equal(p["a.enc.model.1.conv.weight"], p["b.enc.model.1.conv.weight"]));
}

TEST(UnitDiscriminators, HaveThePublishedParametersUnderTheirNames) {
  const auto plain = make_unit_discriminators({}, 0);
  EXPECT_EQ(count_below(*plain, "a."), 8'271'171);
  EXPECT_EQ(count_below(*plain, "b."), 8'271'171);
  const auto normed =
      make_unit_discriminators({.norm = UnitDiscriminatorNorm::layer}, kNoInitialValues);
  EXPECT_EQ(count_below(*normed, "a."), 8'276'547);
  EXPECT_EQ(test::state_lines(*normed), test::golden_lines("unit_discriminators"));
  const auto p = plain->named_parameters();
  EXPECT_NEAR(p["a.cnns.1.3.conv.weight"].std().item<double>(), 0.02, 0.0002);
  EXPECT_TRUE(at::equal(p["a.cnns.1.3.conv.bias"], at::zeros({512})));
}

TEST(UnitDiscriminators, ScoreThreeScales) {
  const at::NoGradGuard no_grad;
  const auto network = make_unit_discriminators({.width = 2});
  const auto scores = network->scores(b, test::closed_form("images", {1, 3, 256, 512}));
  ASSERT_EQ(scores.size(), 3U);
  for (std::size_t s = 0; s < 3; ++s) {
    EXPECT_EQ(scores[s].sizes(), at::IntArrayRef({1, 1, 16 >> s, 32 >> s}));
  }
}

TEST(UnitDiscriminators, EqualThePythonNetwork) {
  const test::GoldenCases golden("unit_translator");
  for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    for (const auto& [name, norm] : names_of(UnitDiscriminatorNorm{})) {
      const auto network = make_unit_discriminators({.width = 4, .norm = norm});
      test::fill_closed_form(*network);
      if (format == at::MemoryFormat::ChannelsLast) to_channels_last(*network);
      const at::Tensor images = test::leaf("images", {2, 3, 64, 88}, format);
      golden.check(std::string(name), *network, {images}, network->scores(b, images));
    }
  }
}

}  // namespace
}  // namespace dusk
