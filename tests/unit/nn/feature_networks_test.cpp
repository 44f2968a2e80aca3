// VGG-16 and Inception-v3 against torchvision and the FID network in float64
// (golden/make_conv_golden.py).
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"
#include "dusk/nn/inception_v3.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/nn/vgg16.hpp"
#include "golden_file.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

constexpr double kExact = 1e-6;  // in float64; the stored float32 is the error

/// "name shape" of torchvision's whole network.
std::set<std::string> torchvision_lines(const std::string& network) {
  std::ifstream file(std::filesystem::path(DUSK_GOLDEN) / (network + ".names.txt"));
  std::set<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.insert(line);
  return lines;
}

std::set<std::string> lines_of(const torch::nn::Module& module) {
  std::set<std::string> lines;
  for (const NamedTensor& entry : named_state(module)) {
    std::ostringstream line;
    line << entry.name << ' ' << fmt::format("{}", fmt::join(entry.tensor.sizes(), "x"));
    if (entry.tensor.dim() == 0) line << "scalar";
    lines.insert(line.str());
  }
  return lines;
}

/// torchvision's names without those that begin with one of `left_out`.
void expect_names(const std::string& network, const torch::nn::Module& module,
                  const std::vector<std::string>& left_out) {
  std::set<std::string> expected = torchvision_lines(network);
  ASSERT_GT(expected.size(), 20U);
  std::erase_if(expected, [&](const std::string& line) {
    return std::any_of(left_out.begin(), left_out.end(),
                       [&](const std::string& begin) { return line.starts_with(begin); });
  });
  EXPECT_EQ(lines_of(module), expected);
}

at::Tensor images_of(const std::string& name, at::IntArrayRef shape, at::ScalarType type) {
  return (2 * test::closed_form(name + " images", shape)).to(type).requires_grad_(true);
}

at::Tensor product(const std::string& name, const at::Tensor& value) {
  return (value * test::closed_form(name + " direction", value.sizes())).sum();
}

void check_vgg(const std::string& name, const Vgg16Options& options, at::ScalarType type,
               at::MemoryFormat format, double tolerance) {
  const test::GoldenFile stored("vgg16");
  const auto network = make_vgg16(options, kNoInitialValues);
  test::fill_closed_form(*network);
  network->to(type);
  network->eval();
  const at::Tensor images = images_of(name, {1, 3, 43, 38}, type);
  const Vgg16Maps maps = network->forward(images.contiguous(format));
  at::Tensor total;
  const auto check = [&](const std::string& key, const at::Tensor& map) {
    stored.expect_close(name + "." + key, map, tolerance);
    const at::Tensor term = product(key, map);
    total = total.defined() ? total + term : term;
  };
  for (std::size_t i = 0; i < maps.rectified.size(); ++i) {
    check(fmt::format("relu{}", i + 1), maps.rectified[i]);
    if (i < maps.pooled.size()) check(fmt::format("pool{}", i + 1), maps.pooled[i]);
  }
  total.backward();
  if (type == at::kDouble) {
    stored.expect_close(name + ".input_gradient", images.grad(), tolerance);
  }
}

TEST(Vgg16, IsTorchvisions) {
  const auto nchw = at::MemoryFormat::Contiguous;
  check_vgg("perceptual", kPerceptualVgg, at::kDouble, nchw, kExact);
  check_vgg("alignment", kAlignmentVgg, at::kDouble, nchw, kExact);
  check_vgg("perceptual", kPerceptualVgg, at::kFloat, at::MemoryFormat::ChannelsLast, 1e-4);
  expect_names("vgg16", *make_vgg16({}, kNoInitialValues), {"classifier."});
  expect_names("vgg16", *make_vgg16(kAlignmentVgg, kNoInitialValues),
               {"classifier.", "features.24.", "features.26.", "features.28."});
}

TEST(Vgg16, GivesMapsWhereTheLossesWantThem) {
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::zeros({1, 3, 64, 64});
  const Vgg16Maps perceptual = make_vgg16(kPerceptualVgg, kNoInitialValues)->forward(images);
  EXPECT_EQ(perceptual.rectified.at(4).sizes(), at::IntArrayRef({1, 512, 8, 8}));
  const Vgg16Maps alignment = make_vgg16(kAlignmentVgg, kNoInitialValues)->forward(images);
  ASSERT_EQ(alignment.pooled.size(), 4U);
  EXPECT_EQ(alignment.pooled[1].sizes(), at::IntArrayRef({1, 128, 16, 16}));
  EXPECT_EQ(alignment.pooled[2].sizes(), at::IntArrayRef({1, 256, 8, 8}));
  EXPECT_EQ(alignment.pooled[3].sizes(), at::IntArrayRef({1, 512, 4, 4}));
  EXPECT_THROW(make_vgg16({.blocks = 3, .pools = 4}), InternalError);
  EXPECT_THROW(make_vgg16({.blocks = 6, .pools = 0}), InternalError);
}

TEST(Vgg16, TakesBgrLessItsMeanFromCaffeWeights) {
  at::Tensor images = at::full({1, 3, 1, 2}, -1.0F);
  images[0][0][0][1] = 1;  // red
  const at::Tensor input = caffe_input(images);
  const at::Tensor expected = at::tensor({-103.939F, -116.779F, -123.680F}).view({1, 3, 1});
  EXPECT_LT((input.select(3, 0) - expected).abs().max().item<float>(), 1e-4F);
  EXPECT_NEAR(input[0][2][0][1].item<float>(), 255 - 123.680F, 1e-4F);
  EXPECT_NEAR(input[0][0][0][1].item<float>(), -103.939F, 1e-4F);
}

TEST(Vgg16, ReadsTorchvisionsFilesAndThoseConvertedFromCaffe) {
  const test::TempFolder folder;
  const auto source = make_vgg16({}, /*seed=*/4);
  const auto write = [&](const std::string& file, const std::vector<std::string>& names) {
    std::vector<TensorRecord> records;
    std::size_t i = 0;
    for (const NamedTensor& entry : named_state(*source)) {
      records.push_back(to_record(entry));
      if (!names.empty()) {
        records.back().name = names[i / 2] + (i % 2 == 0 ? ".weight" : ".bias");
        ++i;
      }
    }
    write_safetensors(folder / file, records, {});
    return SafetensorsFile(folder / file);
  };
  const std::vector<std::string> caffe{"conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1",
                                       "conv3_2", "conv3_3", "conv4_1", "conv4_2", "conv4_3",
                                       "conv5_1", "conv5_2", "conv5_3"};
  for (const SafetensorsFile& file : {write("torchvision", {}), write("caffe", caffe)}) {
    const auto loaded = make_vgg16(kAlignmentVgg, /*seed=*/9);
    load_weights(*loaded, file, loaded->load_policy());
    const auto expected = source->named_parameters();
    for (const auto& entry : loaded->named_parameters()) {
      EXPECT_TRUE(at::equal(entry.value(), expected[entry.key()])) << entry.key();
    }
  }
}

void check_inception(const std::string& name, InceptionForm form, at::ScalarType type,
                     at::MemoryFormat format, double tolerance) {
  const test::GoldenFile stored("inception_v3");
  const auto network = make_inception_v3(form, kNoInitialValues);
  test::fill_closed_form(*network);
  network->to(type);
  network->eval();
  const at::Tensor images = images_of(name, {1, 3, 107, 123}, type);
  const at::Tensor features = network->features(images.contiguous(format));
  const at::Tensor mean = network->forward(images.contiguous(format));
  stored.expect_close(name + ".features", features, tolerance);
  stored.expect_close(name + ".mean", mean, tolerance);
  if (type != at::kDouble) return;
  (product("features", features) + product("mean", mean)).backward();
  stored.expect_close(name + ".input_gradient", images.grad(), tolerance);
}

TEST(InceptionV3, IsTheFidNetworkAndTorchvisions) {
  const auto nchw = at::MemoryFormat::Contiguous;
  const auto nhwc = at::MemoryFormat::ChannelsLast;
  check_inception("fid", InceptionForm::fid, at::kDouble, nchw, kExact);
  check_inception("torchvision", InceptionForm::torchvision, at::kDouble, nchw, kExact);
  check_inception("fid", InceptionForm::fid, at::kFloat, nhwc, 1e-4);
  expect_names("inception_v3", *make_inception_v3(InceptionForm::fid, kNoInitialValues),
               {"fc.", "AuxLogits."});
}

TEST(InceptionV3, MapsAPictureOf299To8By8) {
  const auto network = make_inception_v3(InceptionForm::fid);
  network->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor input =
      inception_input((test::closed_form("unit images", {1, 3, 40, 57}) + 1) / 2);
  test::GoldenFile("inception_v3").expect_close("input", input, 1e-6);
  EXPECT_EQ(network->features(input).sizes(), at::IntArrayRef({1, 2048, 8, 8}));
  EXPECT_EQ(network->forward(input).sizes(), at::IntArrayRef({1, 2048}));
}

}  // namespace
}  // namespace dusk
