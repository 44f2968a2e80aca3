#include "dusk/nn/mix_transformer.hpp"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/types.h>

#include <cmath>
#include <memory>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"
#include "dusk/nn/draws.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/nn/memory_format.hpp"
#include "golden_file.hpp"

namespace dusk {
namespace {

using test::closed_form;

at::Tensor images(std::int64_t count, std::int64_t height, std::int64_t width) {
  return closed_form("images", {count, 3, height, width});
}

std::shared_ptr<Backbone> small_network(MixTransformerOptions options = {}) {
  options.variant = 0;
  auto network = make_mix_transformer(options, kNoInitialValues);
  test::fill_closed_form(*network, /*bias=*/0);
  return network;
}

void zero(const torch::nn::Module& network, const std::string& layer) {
  const at::NoGradGuard no_grad;
  for (const auto& entry : network.named_parameters()) {
    if (entry.key().starts_with(layer + ".")) entry.value().zero_();
  }
}

/// The last layers of a block's branches.
void zero_branches(const torch::nn::Module& network, const std::string& block) {
  zero(network, block + ".attn.proj");
  zero(network, block + ".mlp.fc2");
}

TEST(MixTransformer, HasThePublishedNumbersOfParameters) {
  const std::vector<std::int64_t> expected{3'319'392,  13'151'424, 24'196'288,
                                           44'072'128, 60'842'688, 81'443'008};
  for (int variant = 0; variant < 6; ++variant) {
    const auto network = make_mix_transformer({.variant = variant}, kNoInitialValues);
    EXPECT_EQ(parameter_count(*network), expected[static_cast<std::size_t>(variant)]) << variant;
  }
}

TEST(MixTransformer, HasThePublishedNumbersByPart) {
  const auto network = make_mix_transformer({.variant = 1}, kNoInitialValues);
  std::map<std::string, std::int64_t> counts;
  for (const auto& entry : network->named_parameters()) {
    const std::string& name = entry.key();
    const bool of_block = name.starts_with("block");
    const std::size_t end = name.find('.', of_block ? name.find('.') + 1 : 0);
    counts[name.substr(0, end)] += entry.value().numel();
  }
  const std::map<std::string, std::int64_t> expected{{"patch_embed1", 9'600},
                                                     {"patch_embed2", 74'112},
                                                     {"patch_embed3", 369'600},
                                                     {"patch_embed4", 1'476'096},
                                                     {"block1.0", 314'880},
                                                     {"block1.1", 314'880},
                                                     {"block2.0", 465'920},
                                                     {"block2.1", 465'920},
                                                     {"block3.0", 1'656'320},
                                                     {"block3.1", 1'656'320},
                                                     {"block4.0", 3'172'864},
                                                     {"block4.1", 3'172'864},
                                                     {"norm1", 128},
                                                     {"norm2", 256},
                                                     {"norm3", 640},
                                                     {"norm4", 1'024}};
  EXPECT_EQ(counts, expected);
}

TEST(MixTransformer, HasSegFormersNames) {
  const auto network = make_mix_transformer({.variant = 5}, kNoInitialValues);
  const auto names = network->named_parameters();
  for (const std::string name :
       {"patch_embed1.proj.weight", "patch_embed4.norm.bias", "block1.2.norm1.weight",
        "block2.5.attn.q.bias", "block3.39.attn.kv.weight", "block3.0.attn.sr.weight",
        "block3.0.attn.norm.bias", "block4.2.attn.proj.weight", "block4.2.mlp.fc1.weight",
        "block4.2.mlp.dwconv.dwconv.weight", "block4.2.mlp.fc2.bias", "norm4.weight"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_FALSE(names.contains("block4.0.attn.sr.weight")) << "nothing is reduced at stride 32";
}

struct GoldenCase {
  std::string mode;
  bool channels_last;
};

class MixTransformerGolden : public testing::TestWithParam<GoldenCase> {};

// `faint` has activations of 1e-3, whose variance is about the eps of the norms: it fails when one
// of them is 1e-5 where it should be 1e-6, or the other way round.
TEST_P(MixTransformerGolden, IsThePythonReference) {
  const bool is_faint = GetParam().mode == "faint";
  const test::GoldenFile golden("mit_b0");
  const auto network = small_network({.drop_path = 0});
  if (GetParam().channels_last) to_channels_last(*network);
  if (is_faint) {
    const at::NoGradGuard no_grad;
    for (const at::Tensor& parameter : network->parameters()) {
      if (parameter.dim() == 1) parameter.mul_(1e-3);
    }
  }
  at::Tensor x = (is_faint ? 2e-3 : 2) * images(2, 70, 102);
  if (GetParam().channels_last) x = x.contiguous(at::MemoryFormat::ChannelsLast);
  x.requires_grad_(true);
  std::map<std::string, at::Tensor> outputs;
  for (const at::Tensor& level : network->features(x)) {
    outputs["level" + std::to_string(outputs.size())] = level;
  }
  test::pulled(outputs).backward();
  for (const auto& [name, level] : outputs) {
    golden.expect_close(GetParam().mode + "." + name, level);
  }
  golden.expect_close(GetParam().mode + ".input_gradient", x.grad());
  golden.expect_gradients(GetParam().mode + ".parameter_gradients", *network);
}

INSTANTIATE_TEST_SUITE_P(Modes, MixTransformerGolden,
                         testing::Values(GoldenCase{"plain", true}, GoldenCase{"plain", false},
                                         GoldenCase{"faint", true}),
                         [](const testing::TestParamInfo<GoldenCase>& test) {
                           return test.param.mode + (test.param.channels_last ? "_nhwc" : "_nchw");
                         });

TEST(MixTransformer, GivesThePyramidItAnnounces) {
  const auto network = small_network();
  network->eval();
  const at::NoGradGuard no_grad;
  const PyramidInfo info = network->pyramid();
  EXPECT_EQ(info.channels, (std::vector<std::int64_t>{32, 64, 160, 256}));
  for (const auto& [height, width] : {std::pair<std::int64_t, std::int64_t>{64, 96}, {29, 141}}) {
    const auto levels = network->features(images(1, height, width));
    ASSERT_EQ(levels.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
      const std::int64_t stride = info.strides[i];
      EXPECT_EQ(levels[i].sizes(),
                at::IntArrayRef({1, info.channels[i], (height + stride - 1) / stride,
                                 (width + stride - 1) / stride}));
    }
  }
}

TEST(MixTransformer, DoesNotAttendToWhatTheReductionLeavesOut) {
  // 540 pixels make 135 columns at stride 4, of which the reduction by 8 takes 16 x 8: the last 7
  // reach a pixel at the other end through keys and values only, hence not at all.
  const auto network = small_network();
  network->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor x = images(1, 32, 540);
  at::Tensor changed = x.clone();
  changed.narrow(3, 4 * 132, 12).add_(1);  // columns 131 to 134 at stride 4
  const at::Tensor left = network->features(x)[0].narrow(3, 0, 100);
  EXPECT_TRUE(at::equal(network->features(changed)[0].narrow(3, 0, 100), left));
  changed.narrow(3, 4 * 126, 8).add_(1);
  EXPECT_FALSE(at::equal(network->features(changed)[0].narrow(3, 0, 100), left));
}

TEST(MixTransformer, RefusesWhatThereIsNot) {
  EXPECT_THROW(make_mix_transformer({.variant = 6}), ConfigError);
  EXPECT_THROW(make_mix_transformer({.variant = -1}), ConfigError);
  EXPECT_THROW(make_mix_transformer({.variant = 0, .recompute_stages = 5}), ConfigError);
  EXPECT_THROW(make_mix_transformer({.variant = 0, .drop_path = 1}), ConfigError);
  const auto network = small_network();
  network->eval();
  EXPECT_THROW(network->features(images(1, 28, 64)), ConfigError);
  EXPECT_NO_THROW(network->features(images(1, 29, 64)));
}

TEST(MixTransformer, StartsAsPublished) {
  const auto network = make_mix_transformer({.variant = 1}, 7);
  for (const auto& entry : network->named_parameters()) {
    const std::string& name = entry.key();
    const at::Tensor& tensor = entry.value();
    if (tensor.dim() == 1) {
      const bool is_scale = name.ends_with("weight");
      EXPECT_TRUE(at::equal(tensor, at::full_like(tensor, is_scale ? 1 : 0))) << name;
      continue;
    }
    double expected = 0.02;
    if (tensor.dim() == 4) {
      const bool is_depthwise = tensor.size(1) == 1;
      const auto fan_out = static_cast<double>(tensor.size(2) * tensor.size(3) *
                                               (is_depthwise ? 1 : tensor.size(0)));
      expected = std::sqrt(2 / fan_out);
    }
    EXPECT_NEAR(tensor.std().item<double>() / expected, 1, 0.05) << name;
  }
}

/// Without gradients it takes two of these three pictures, then one, each with its own draws.
TEST(MixTransformer, GoesInPiecesWithoutGradientsAndIsTheSameFunction) {
  const auto network = small_network({.drop_path = 0.4});
  set_draws(*network, {.seed = 1, .positions = {4, 5, 6}});
  const at::Tensor x = images(3, 384, 576);
  const auto expected = network->features(x);
  const at::NoGradGuard no_grad;
  const auto found = network->features(x);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_LT(test::relative_error(found[i], expected[i]), 1e-5) << i;
  }
}

// --- stochastic depth ---------------------------------------------------------------------------

const DrawKey kKey{.seed = 5, .pass = 1, .positions = {40, 41, 42, 43}};

TEST(DropPath, IsOffInEvalModeAndWhenStopped) {
  const auto network = small_network({.drop_path = 0.5});
  const at::NoGradGuard no_grad;
  const at::Tensor x = images(2, 32, 64);
  EXPECT_THROW(network->features(x), InternalError) << "train mode without a key";
  set_draws(*network, kKey);
  const at::Tensor drawn = network->features(x)[3];
  network->eval();
  const at::Tensor expected = network->features(x)[3];
  EXPECT_FALSE(at::equal(drawn, expected));
  network->train();
  stop_draws(*network);
  EXPECT_TRUE(at::equal(network->features(x)[3], expected));
}

TEST(DropPath, DependsOnTheSampleAndNotOnItsPlace) {
  const auto network = small_network({.drop_path = 0.5});
  const at::NoGradGuard no_grad;
  const at::Tensor x = images(4, 32, 64);
  set_draws(*network, kKey);
  const at::Tensor together = network->features(x)[3];
  for (const std::int64_t rank : {0, 1}) {
    DrawKey key = kKey;
    key.positions =
        rank == 0 ? std::vector<std::uint64_t>{40, 41} : std::vector<std::uint64_t>{42, 43};
    set_draws(*network, key);
    const at::Tensor own = network->features(x.narrow(0, 2 * rank, 2))[3];
    EXPECT_LT(test::relative_error(own, together.narrow(0, 2 * rank, 2)), 1e-5) << rank;
  }
}

TEST(DropPath, DrawsForEveryPassViewAndSample) {
  const auto network = small_network({.drop_path = 0.9});
  const at::NoGradGuard no_grad;
  const at::Tensor x = images(1, 32, 64).expand({4, 3, 32, 64});  // the same picture
  const auto run = [&](const DrawKey& key) {
    set_draws(*network, key);
    return network->features(x)[3];
  };
  DrawKey views = kKey;
  views.positions = {40, 41};
  const at::Tensor first = run(views);
  EXPECT_TRUE(at::equal(run(views), first));
  EXPECT_FALSE(at::equal(first[0], first[1])) << "another sample";
  EXPECT_FALSE(at::equal(first[0], first[2])) << "another view";
  EXPECT_TRUE(at::equal(run(kKey).narrow(0, 0, 2), first.narrow(0, 0, 2)));
  DrawKey later = views;
  later.pass = 2;
  EXPECT_FALSE(at::equal(run(later), first));
  DrawKey elsewhere = views;
  elsewhere.seed = 6;
  EXPECT_FALSE(at::equal(run(elsewhere), first));
}

TEST(DropPath, DrawsForEachBranchOfABlock) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = images(8, 32, 64);
  /// Which samples keep the last block's branch, the other one being none.
  const auto kept = [&](const char* other) {
    const auto network = small_network({.drop_path = 0.5});
    set_draws(*network, {.seed = 5, .pass = 1});
    zero(*network, std::string("block4.1.") + other);
    const at::Tensor with = network->features(x)[3];
    zero_branches(*network, "block4.1");
    return (with != network->features(x)[3]).flatten(1).any(1);
  };
  const at::Tensor attention = kept("mlp.fc2");
  const at::Tensor mlp = kept("attn.proj");
  EXPECT_TRUE(attention.any().item<bool>() && mlp.any().item<bool>());
  EXPECT_FALSE(at::equal(attention, mlp));
}

TEST(DropPath, GrowsFromNoneAtTheFirstBlockToTheLast) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = images(16, 32, 64);  // a smaller rate would leave a branch to one of them
  // All but certain at the last block, 1/7 less at every block before it, none at the first.
  const auto network = small_network({.drop_path = 0.999'999});
  set_draws(*network, {.seed = 5, .pass = 1});
  zero_branches(*network, "block1.1");
  const at::Tensor first_alone = network->features(x)[0];
  network->eval();
  EXPECT_TRUE(at::equal(first_alone, network->features(x)[0])) << "the first block stays";
  network->train();
  const at::Tensor with_last = network->features(x)[3];
  zero_branches(*network, "block4.1");
  EXPECT_TRUE(at::equal(with_last, network->features(x)[3])) << "the last block goes";
}

// --- computing activations again ----------------------------------------------------------------

/// Gradients of everything after two passes in train mode and one backward pass.
std::vector<at::Tensor> gradients_of(Backbone& network) {
  network.zero_grad();
  at::Tensor loss = at::zeros({});
  at::Tensor x = images(2, 64, 64).requires_grad_(true);
  for (std::uint64_t pass = 0; pass < 2; ++pass) {
    set_draws(network, {.seed = 1, .pass = pass, .positions = {8, 9}});
    for (const at::Tensor& level : network.features(x)) loss = loss + level.square().sum();
  }
  set_draws(network, {.seed = 2});  // must not reach what is computed again
  loss.backward();
  std::vector<at::Tensor> gradients{x.grad()};
  for (const at::Tensor& parameter : network.parameters()) gradients.push_back(parameter.grad());
  return gradients;
}

TEST(RecomputeStages, GivesTheSameGradients) {
  const auto expected = gradients_of(*small_network({.drop_path = 0.5}));
  for (const std::int64_t stages : {1, 4}) {
    const auto network = small_network({.drop_path = 0.5, .recompute_stages = stages});
    const auto actual = gradients_of(*network);
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      EXPECT_LT(test::relative_error(actual[i], expected[i]), 1e-6) << i;
    }
  }
}

/// Counts as a gradient bucket does.
struct CountArrivals : torch::autograd::PostAccumulateGradHook {
  explicit CountArrivals(int& counter) : arrivals(counter) {}
  void operator()(const at::Tensor&) override { ++arrivals; }
  int& arrivals;
};

TEST(RecomputeStages, HandsEveryGradientOverOnce) {
  const auto network = small_network({.drop_path = 0, .recompute_stages = 4});
  int arrivals = 0;
  torch::autograd::impl::set_post_acc_grad_hooks(
      network->named_parameters()["block2.1.attn.kv.weight"],
      std::make_unique<CountArrivals>(arrivals));
  gradients_of(*network);
  EXPECT_EQ(arrivals, 1) << "two passes, one backward pass";
}

}  // namespace
}  // namespace dusk
