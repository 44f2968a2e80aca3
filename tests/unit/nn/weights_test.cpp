#include "dusk/nn/weights.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"
#include "dusk/io/torch_file.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/nn/mobilenet_v2.hpp"
#include "dusk/nn/resnet.hpp"
#include "dusk/nn/segmenter.hpp"
#include "support/shared_data.hpp"

namespace dusk {
namespace {

using testing::UnitTest;

class Weights : public testing::Test {
 protected:
  Weights()
      : folder_(std::filesystem::temp_directory_path() /
                ("dusk_nn_" + std::to_string(::getpid()) + "_" +
                 UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::create_directories(folder_);
  }
  ~Weights() override { std::filesystem::remove_all(folder_); }

  /// A file of `tensors` under their names.
  SafetensorsFile file_of(const std::vector<NamedTensor>& tensors) {
    std::vector<TensorRecord> records;
    for (const NamedTensor& tensor : tensors) records.push_back(to_record(tensor));
    const auto path = folder_ / "weights.safetensors";
    write_safetensors(path, records, {});
    return SafetensorsFile(path);
  }

  static std::string refusal(torch::nn::Module& module, const SafetensorsFile& file,
                             const LoadPolicy& policy = {}) {
    try {
      load_weights(module, file, policy);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }

  std::filesystem::path folder_;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Weights, RoundTrip) {
  const auto source = make_resnet({.depth = 18});
  test::fill_closed_form(*source);
  const auto target = make_resnet({.depth = 18});
  const LoadReport report = load_weights(*target, file_of(named_state(*source)));
  EXPECT_EQ(report.matched.size(), 120U);
  EXPECT_TRUE(report.missing.empty() && report.extra.empty() && report.reshaped.empty());
  const auto expected = named_state(*source);
  const auto actual = named_state(*target);
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_TRUE(at::equal(actual[i].tensor, expected[i].tensor)) << actual[i].name;
  }
}

TEST_F(Weights, OfAnotherNetworkAreRefusedWithNamesAndShapes) {
  const auto source = make_resnet({.depth = 34});
  const auto target = make_resnet({.depth = 50}, kNoInitialValues);
  const at::Tensor before = target->named_parameters()["conv1.weight"].clone();
  const std::string text = refusal(*target, file_of(named_state(*source)));
  EXPECT_TRUE(contains(text, "layer1.0.conv1.weight: (64, 64, 3, 3) -> (64, 64, 1, 1)")) << text;
  EXPECT_TRUE(contains(text, "missing in the file: layer1.0.conv3.weight (256, 64, 1, 1)"));
  EXPECT_TRUE(contains(text, "unknown to the network: layer2.0.downsample.0.weight") ||
              contains(text, "layer2.0.downsample.0.weight: (128, 64, 1, 1) -> (512, 256, 1, 1)"));
  EXPECT_TRUE(contains(text, "weights.safetensors"));
  EXPECT_TRUE(at::equal(before, target->named_parameters()["conv1.weight"]))
      << "nothing is written before all is checked";
}

TEST_F(Weights, ExtraTensorsNeedAPattern) {
  const auto network = make_resnet({.depth = 18});
  auto tensors = named_state(*network);
  tensors.push_back({"fc.weight", at::zeros({10, 512}), true});
  const SafetensorsFile file = file_of(tensors);
  EXPECT_TRUE(contains(refusal(*network, file), "unknown to the network: fc.weight (10, 512)"));
  EXPECT_NE(refusal(*network, file, {.allowed_extra = {"fcc.*", "*.bias"}}), "");
  const LoadReport report = load_weights(*network, file, {.allowed_extra = {"fc.*"}});
  EXPECT_EQ(report.extra, std::vector<std::string>{"fc.weight"});
  EXPECT_TRUE(contains(report.text("FILE"), "120 tensors from FILE; 1 extra (fc.weight)"));
}

TEST_F(Weights, MissingTensorsNeedAPattern) {
  const auto network = make_resnet({.depth = 18});
  auto tensors = named_state(*network);
  std::erase_if(tensors, [](const auto& t) { return t.name.ends_with("num_batches_tracked"); });
  const SafetensorsFile file = file_of(tensors);
  EXPECT_TRUE(contains(refusal(*network, file), "missing in the file: bn1.num_batches_tracked ()"));
  const LoadReport report =
      load_weights(*network, file, {.allowed_missing = {"*.num_batches_tracked"}});
  EXPECT_EQ(report.missing.size(), 20U);
}

TEST_F(Weights, NamesAreMapped) {
  const auto network = make_resnet({.depth = 18});
  auto tensors = named_state(*network);
  for (auto& tensor : tensors) tensor.name = "module.net." + tensor.name;
  const LoadReport report = load_weights(*network, file_of(tensors), {.renames = {{"net.*", "*"}}});
  EXPECT_EQ(report.matched.size(), 120U);
}

TEST_F(Weights, TwoTensorsForOneNameAreRefused) {
  const auto network = make_resnet({.depth = 18});
  auto tensors = named_state(*network);
  tensors.push_back({"module.bn1.weight", at::zeros({64}), true});
  EXPECT_TRUE(contains(refusal(*network, file_of(tensors), {.renames = {{"module.*", "*"}}}),
                       "two tensors for bn1.weight"));
}

TEST_F(Weights, ShapesMayChangeOnlyWhereAllowed) {
  const auto network = make_resnet({.depth = 18});
  auto tensors = named_state(*network);
  for (auto& tensor : tensors) {
    if (tensor.name == "bn1.weight") tensor.tensor = at::full({1, 64}, 0.5);
  }
  const SafetensorsFile file = file_of(tensors);
  EXPECT_TRUE(contains(refusal(*network, file), "bn1.weight: (1, 64) -> (64)"));
  const LoadReport report = load_weights(*network, file, {.allow_reshape = true});
  EXPECT_EQ(report.reshaped, std::vector<std::string>{"bn1.weight: (1, 64) -> (64)"});
  EXPECT_EQ(network->named_parameters()["bn1.weight"][7].item<float>(), 0.5F);
}

TEST_F(Weights, OtherFloatsAreConvertedButNotIntegers) {
  const auto network = make_resnet({.depth = 18});
  auto tensors = named_state(*network);
  for (auto& tensor : tensors) {
    if (tensor.name == "bn1.weight") tensor.tensor = at::full({64}, 0.75, at::kHalf);
    if (tensor.name == "bn1.bias") tensor.tensor = at::full({64}, 0.125, at::kDouble);
  }
  load_weights(*network, file_of(tensors));
  EXPECT_EQ(network->named_parameters()["bn1.weight"][3].item<float>(), 0.75F);
  EXPECT_EQ(network->named_parameters()["bn1.bias"][3].item<float>(), 0.125F);
  for (auto& tensor : tensors) {
    if (tensor.name == "bn1.weight") tensor.tensor = at::ones({64}, at::kByte);
  }
  EXPECT_TRUE(contains(refusal(*network, file_of(tensors)), "bn1.weight (U8 in the file)"));
}

TEST_F(Weights, RecordsShareMemoryAndTensorsOwnIt) {
  const at::Tensor tensor = at::arange(6, at::kFloat).view({2, 3});
  const TensorRecord record = to_record({"t", tensor, true});
  EXPECT_EQ(static_cast<const void*>(record.bytes.data()), tensor.const_data_ptr());
  EXPECT_EQ(record.bytes.size(), 24U);
  EXPECT_EQ(record.shape, (std::vector<std::int64_t>{2, 3}));
  const at::Tensor copy = to_tensor(record);
  EXPECT_TRUE(at::equal(copy, tensor));
  EXPECT_NE(copy.const_data_ptr(), tensor.const_data_ptr());
  EXPECT_THROW(to_record({"t", tensor.t(), true}), InternalError);
  EXPECT_TRUE(
      at::equal(to_tensor(to_record({"t", row_major_on_cpu(tensor.t()), true})), tensor.t()));
  EXPECT_THROW(to_record({"t", at::zeros({2}, at::kComplexFloat), true}), InternalError);
}

TEST_F(Weights, OfTorchSaveAreLoadedAlike) {
  const auto source = make_resnet({.depth = 18});
  test::fill_closed_form(*source);
  std::vector<TensorRecord> records;
  for (const NamedTensor& tensor : named_state(*source)) {
    records.push_back(to_record(tensor));
    records.back().name.insert(0, "module.");
  }
  write_torch(folder_ / "weights.pth", records);
  const auto target = make_resnet({.depth = 18});
  EXPECT_EQ(load_weights(*target, *read_weights(folder_ / "weights.pth")).matched.size(), 120U);
  EXPECT_TRUE(at::equal(target->named_parameters()["conv1.weight"],
                        source->named_parameters()["conv1.weight"]));
}

TEST_F(Weights, AreComparedWithoutBeingLoaded) {
  const auto source = make_resnet({.depth = 18});
  std::vector<TensorRecord> records;
  for (const NamedTensor& tensor : named_state(*source)) records.push_back(to_record(tensor));
  records.pop_back();
  const LoadPreview preview = preview_weights(*source, records);
  EXPECT_EQ(preview.report.matched.size(), 119U);
  EXPECT_EQ(preview.problems.size(), 1U);
}

TEST_F(Weights, MayBeginAtAnyAddressAndBoolsBeAnyByte) {
  const at::Tensor values = at::arange(3, at::kFloat);
  std::vector<std::byte> bytes(13);
  std::memcpy(bytes.data() + 1, values.const_data_ptr(), 12);
  const std::span<const std::byte> odd = std::span(bytes).subspan(1);
  EXPECT_TRUE(at::equal(to_tensor({"t", DType::f32, {3}, odd}), values));
  const std::array<std::byte, 3> flags{std::byte{0}, std::byte{1}, std::byte{255}};
  const at::Tensor bools = to_tensor({"t", DType::boolean, {3}, flags});
  EXPECT_EQ(bools.scalar_type(), at::kBool);
  EXPECT_EQ(bools.sum().item<std::int64_t>(), 2);
  EXPECT_EQ(to_tensor({"t", DType::f64, {2, 0}, {}}).numel(), 0);
}

TEST_F(Weights, StatisticsLeaveOutWhatIsNoNumber) {
  const float nan = std::nanf("");
  const at::Tensor values = at::tensor({1.0F, nan, 3.0F, nan});
  const TensorStatistics some = statistics_of(to_record({"t", values, true}));
  EXPECT_EQ(some.elements, 4);
  EXPECT_EQ(some.nans, 2);
  EXPECT_EQ(some.min, 1);
  EXPECT_EQ(some.max, 3);
  EXPECT_EQ(some.mean, 2);
  EXPECT_EQ(some.deviation, 1);
  const TensorStatistics none = statistics_of(to_record({"t", at::full({2}, nan), true}));
  EXPECT_EQ(none.nans, 2);
  EXPECT_TRUE(std::isnan(none.min) && std::isnan(none.mean));
  EXPECT_EQ(statistics_of(to_record({"t", at::zeros({0}, at::kLong), true})).elements, 0);
  EXPECT_EQ(statistics_of(to_record({"t", at::ones({2}, at::kBFloat16), true})).mean, 1);
}

TEST_F(Weights, OfMobileNetV2AreReal) {
  const auto folder = test::shared_data("weights");
  if (folder.empty()) GTEST_SKIP() << "no shared data: the real MobileNetV2 file was not loaded";
  SegmenterOptions options;
  options.backbone = BackboneKind::mobilenet_v2;
  options.weights = folder / "mobilenet_v2.pth";  // the same tensors as in the file below
  const auto network = make_segmenter(options, 11);
  ASSERT_TRUE(network->backbone_weights().has_value());
  EXPECT_EQ(network->backbone_weights()->matched.size(), 306U);
  EXPECT_EQ(network->backbone_weights()->extra.size(), 8U);  // features.18 and the classifier
  const SafetensorsFile file(folder / "mobilenet_v2.safetensors");
  for (const auto& entry : named_state(*network)) {
    if (!entry.name.starts_with("backbone.")) continue;
    const TensorRecord* record = file.find(entry.name.substr(9));
    ASSERT_NE(record, nullptr) << entry.name;
    EXPECT_TRUE(at::equal(entry.tensor, to_tensor(*record))) << entry.name;
  }
  EXPECT_FALSE(make_segmenter(options, 11, {.load_weights = false})->backbone_weights());
  SegmenterOptions wrong = options;
  wrong.backbone = BackboneKind::resnet18;
  EXPECT_THROW(make_segmenter(wrong, 11), ConfigError);
}

}  // namespace
}  // namespace dusk
