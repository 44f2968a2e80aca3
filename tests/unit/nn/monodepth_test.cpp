#include "dusk/nn/monodepth.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

#include "dusk/base/error.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/nn/memory_format.hpp"
#include "dusk/nn/resnet.hpp"
#include "golden_case.hpp"
#include "published_count.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

const PyramidInfo kEncoder{.channels = {64, 64, 128, 256, 512}, .strides = {2, 4, 8, 16, 32}};
const PyramidInfo kSmallEncoder{.channels = {4, 5, 6, 7, 8}, .strides = {2, 4, 8, 16, 32}};

std::vector<at::Tensor> features_of(const PyramidInfo& encoder, at::MemoryFormat format) {
  std::vector<at::Tensor> features;
  for (std::size_t i = 0; i < encoder.channels.size(); ++i) {
    features.push_back(test::leaf("feature" + std::to_string(i),
                                  {2, encoder.channels[i], 32 >> i, 64 >> i}, format));
  }
  return features;
}

TEST(Monodepth, HasThePublishedParametersUnderTheirNames) {
  const auto encoder = make_monodepth_encoder({}, 1, kNoInitialValues);
  EXPECT_EQ(parameter_count(*encoder), 11'176'512);
  EXPECT_EQ(test::state_lines(*encoder), test::golden_lines("monodepth_encoder"));
  const auto depth = make_depth_decoder({}, kEncoder, kNoInitialValues);
  EXPECT_EQ(parameter_count(*depth), 3'152'724);
  EXPECT_EQ(test::state_lines(*depth), test::golden_lines("depth_decoder"));
  EXPECT_EQ(parameter_count(*make_segmentation_decoder({}, kEncoder, 19)), 3'191'676);
  EXPECT_EQ(parameter_count(*make_monodepth_encoder({}, 2)), 11'185'920);
  const auto pose = make_pose_net({}, kNoInitialValues);
  EXPECT_EQ(parameter_count(*pose), 12'500'492);
  EXPECT_EQ(test::state_lines(*pose), test::golden_lines("pose_net"));
}

TEST(Monodepth, CostsThePublishedOperations) {
  constexpr std::int64_t kPixels = 64 * 64;  // every layer's size is proportional to it
  const auto giga = [](std::int64_t count) {
    return static_cast<double>(count) / kPixels * (320.0 * 576 / 1e9);
  };
  const auto encoder = make_monodepth_encoder({}, 1, kNoInitialValues);
  std::vector<at::Tensor> features;
  const auto of_encoder = layer_table(*encoder, [&] {
    features = encoder->forward(at::rand({1, 3, 64, 64}));
  });
  EXPECT_NEAR(giga(test::convolution_count(of_encoder)), 6.662, 5e-4);
  EXPECT_NEAR(giga(test::published_count(of_encoder)), 6.699, 5e-4);
  const auto depth = make_depth_decoder({}, encoder->pyramid(), kNoInitialValues);
  const auto of_depth = layer_table(*depth, [&] { depth->forward(features); });
  EXPECT_NEAR(giga(test::convolution_count(of_depth)), 5.358, 5e-4);
  EXPECT_EQ(test::published_count(of_depth), test::convolution_count(of_depth));
  const auto segmentation = make_segmentation_decoder({}, encoder->pyramid(), 19, kNoInitialValues);
  const auto of_segmentation = layer_table(*segmentation, [&] { segmentation->forward(features); });
  EXPECT_NEAR(giga(test::convolution_count(of_segmentation)), 6.254, 5e-4);
}

TEST(Monodepth, EqualsThePythonNetworks) {
  const test::GoldenCases golden("monodepth");
  for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    const auto encoder = make_monodepth_encoder({}, 1, kNoInitialValues);
    const auto decoder =
        make_segmentation_decoder({.width = 2}, kSmallEncoder, 3, kNoInitialValues);
    const auto pose = make_pose_net({.width = 8}, kNoInitialValues);
    for (torch::nn::Module* network :
         std::initializer_list<torch::nn::Module*>{encoder.get(), decoder.get(), pose.get()}) {
      test::fill_closed_form(*network);
      network->eval();
      if (format == at::MemoryFormat::ChannelsLast) to_channels_last(*network);
    }
    const at::Tensor images = test::leaf("images", {1, 3, 64, 96}, format);
    golden.check("encoder", *encoder, {images}, encoder->forward(images));
    const auto features = features_of(kSmallEncoder, format);
    const auto maps = decoder->forward(features);
    for (const at::Tensor& map : maps) EXPECT_TRUE(map.is_contiguous(format));
    golden.check("decoder", *decoder, features, maps);
    const at::Tensor pairs = test::leaf("pairs", {2, 6, 64, 96}, format);
    golden.check("pose", *pose, {pairs}, {pose->forward(pairs)});
  }
}

TEST(MonodepthEncoder, DeliversTheStemBeforeThePooling) {
  const at::NoGradGuard no_grad;
  const auto encoder = make_monodepth_encoder({}, 1, 1);
  encoder->eval();
  const at::Tensor images = test::closed_form("images", {2, 3, 32, 64});
  const auto features = encoder->forward(images);
  ASSERT_EQ(features.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(features[i].sizes(), at::IntArrayRef({2, kEncoder.channels[i], 16 >> i, 32 >> i}));
  }
  EXPECT_EQ(encoder->pyramid().channels, kEncoder.channels);
  EXPECT_EQ(encoder->pyramid().strides, kEncoder.strides);
  // In eval mode a picture does not know its neighbours.
  const auto alone = encoder->forward(images.narrow(0, 0, 1));
  EXPECT_LT(test::relative_error(features[4].narrow(0, 0, 1), alone[4]), 1e-6);
  EXPECT_THROW(encoder->forward(at::zeros({1, 3, 32, 48})), ConfigError);
}

TEST(MonodepthEncoder, LoadsImageNetWeightsForEveryPictureOfAPair) {
  const auto published = make_resnet({.depth = 18}, 3);
  const test::TempFolder folder;
  std::vector<TensorRecord> records;
  for (const NamedTensor& tensor : named_state(*published)) records.push_back(to_record(tensor));
  const at::Tensor classifier = at::zeros({1000, 512});
  records.push_back(to_record({"fc.weight", classifier, true}));
  write_safetensors(folder / "resnet18.safetensors", records, {});

  const MonodepthEncoderOptions options{.weights = folder / "resnet18.safetensors"};
  const auto one = make_monodepth_encoder(options, 1);
  const auto two = make_monodepth_encoder(options, 2);
  ASSERT_TRUE(two->weights().has_value());
  EXPECT_EQ(two->weights()->matched.size(), 120U);
  EXPECT_EQ(two->weights()->extra, std::vector<std::string>{"fc.weight"});
  EXPECT_FALSE(make_monodepth_encoder({})->weights().has_value());

  const at::NoGradGuard no_grad;
  one->eval();
  two->eval();
  // What both pictures show is seen as one picture is.
  const at::Tensor image = test::closed_form("image", {1, 3, 32, 32});
  const at::Tensor expected = one->forward(image)[4];
  EXPECT_LT(test::relative_error(two->forward(at::cat({image, image}, 1))[4], expected), 1e-5);
  const at::Tensor halved = two->named_parameters()["encoder.conv1.weight"] * 2;
  EXPECT_TRUE(at::equal(halved.narrow(1, 3, 3), published->named_parameters()["conv1.weight"]));
  EXPECT_THROW(make_monodepth_encoder({.depth = 34, .weights = options.weights}), ConfigError);
}

TEST(MonodepthDecoder, MakesDisparitiesAtFourScales) {
  const at::NoGradGuard no_grad;
  const auto features = features_of(kSmallEncoder, at::MemoryFormat::Contiguous);
  const auto depth = make_depth_decoder({.width = 2}, kSmallEncoder, 1);
  const auto logits = make_segmentation_decoder({.width = 2}, kSmallEncoder, 1, 1);
  // Of one seed they start from different values.
  EXPECT_FALSE(at::equal(depth->parameters()[0], logits->parameters()[0]));
  auto from = depth->parameters();
  auto to = logits->parameters();
  for (std::size_t i = 0; i < to.size(); ++i) to[i].copy_(from[i]);
  const auto disparities = depth->forward(features);
  const auto raw = logits->forward(features);
  ASSERT_EQ(disparities.size(), 4U);
  for (std::size_t s = 0; s < 4; ++s) {
    EXPECT_EQ(disparities[s].sizes(), at::IntArrayRef({2, 1, 64 >> s, 128 >> s}));
    EXPECT_TRUE(at::equal(disparities[s], at::sigmoid(raw[s]))) << s;
  }
  EXPECT_THROW(make_depth_decoder({}, {.channels = {64, 64}, .strides = {2, 4}}), ConfigError);
}

TEST(MonodepthDecoder, StartsAsInPythonPyTorch) {
  const auto network = make_depth_decoder({}, kEncoder, 1);
  const auto p = network->named_parameters();
  const double bound = 1 / std::sqrt(512.0 * 9);
  const at::Tensor weight = p["decoder.0.conv.conv.weight"];
  const at::Tensor bias = p["decoder.0.conv.conv.bias"];
  EXPECT_NEAR(weight.abs().max().item<double>(), bound, 1e-4);
  EXPECT_NEAR(bias.abs().max().item<double>(), bound, 1e-3);
  EXPECT_NEAR(bias.std().item<double>(), bound / std::sqrt(3.0), 2e-3);
}

TEST(PoseNet, StartsNearRestAndUsesItsFirstEntry) {
  const auto network = make_pose_net({}, 1);
  const at::Tensor pose = network->forward(0.5 + 0.5 * test::closed_form("pairs", {2, 6, 32, 64}));
  ASSERT_EQ(pose.sizes(), at::IntArrayRef({2, 2, 6}));
  EXPECT_LT(pose.abs().max().item<float>(), 0.1);
  EXPECT_GT(pose.abs().max().item<float>(), 1e-5);
  const at::Tensor matrix =
      pose_matrix(pose.select(1, 0).narrow(1, 0, 3), pose.select(1, 0).narrow(1, 3, 3));
  matrix.square().sum().backward();
  const at::Tensor last = network->named_parameters()["pose.net.3.bias"].grad();
  EXPECT_GT(last.narrow(0, 0, 6).abs().min().item<float>(), 0);
  EXPECT_EQ(last.narrow(0, 6, 6).abs().max().item<float>(), 0);
}

TEST(PoseMatrix, TurnsByRodrigues) {
  const double quarter = std::numbers::pi / 2;
  const at::Tensor about_z = at::tensor({0.0, 0.0, quarter}).view({1, 3});
  const at::Tensor shift = at::tensor({1.0, 2.0, 3.0}).view({1, 3});
  const at::Tensor matrix = pose_matrix(about_z, shift);
  const at::Tensor x = at::tensor({1.0, 0.0, 0.0, 1.0}).view({4, 1});
  // x turns into y, then all is moved.
  EXPECT_TRUE(at::allclose(at::matmul(matrix[0], x), at::tensor({1.0, 3.0, 3.0, 1.0}).view({4, 1}),
                           0, 1e-6));
}

TEST(PoseMatrix, HasItsInverse) {
  const at::Tensor axis_angle = test::closed_form("axis-angle", {5, 3}).to(at::kDouble);
  const at::Tensor shift = test::closed_form("shift", {5, 3}).to(at::kDouble);
  const at::Tensor forward = pose_matrix(axis_angle, shift);
  const at::Tensor inverse = pose_matrix(axis_angle, shift, PoseDirection::inverse);
  const at::Tensor identity = at::eye(4, at::kDouble).expand({5, 4, 4});
  EXPECT_TRUE(at::allclose(at::matmul(forward, inverse), identity, 0, 1e-5));
  EXPECT_TRUE(at::allclose(at::linalg_det(forward), at::ones({5}, at::kDouble), 0, 1e-5));
  EXPECT_FALSE(at::allclose(forward, inverse, 0, 1e-2));
}

TEST(PoseMatrix, OfNoTurnIsTheIdentityWithFiniteGradient) {
  at::Tensor axis_angle = at::zeros({1, 3}).requires_grad_(true);
  const at::Tensor matrix = pose_matrix(axis_angle, at::zeros({1, 3}));
  EXPECT_TRUE(at::equal(matrix[0], at::eye(4)));
  (matrix * test::closed_form("direction", {1, 4, 4})).sum().backward();
  EXPECT_TRUE(at::isfinite(axis_angle.grad()).all().item<bool>());
}

}  // namespace
}  // namespace dusk
