// Names and shapes against torchvision's state dicts (golden/*.names.txt), and parameter counts
// against numbers worked out by hand.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "dusk/nn/init.hpp"
#include "dusk/nn/mobilenet_v2.hpp"
#include "dusk/nn/named_state.hpp"
#include "dusk/nn/resnet.hpp"
#include "dusk/nn/segmenter.hpp"

namespace dusk {
namespace {

/// "name kind shape" of every tensor of torchvision's network that belongs to its backbone.
std::vector<std::string> torchvision_lines(const std::string& network) {
  std::ifstream file(std::filesystem::path(DUSK_GOLDEN) / (network + ".names.txt"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    const bool is_classifier = line.starts_with("fc.") || line.starts_with("classifier.") ||
                               line.starts_with("features.18.");
    if (!is_classifier) lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> lines_of(const torch::nn::Module& module) {
  std::vector<std::string> lines;
  for (const NamedTensor& entry : named_state(module)) {
    std::ostringstream line;
    line << entry.name << (entry.is_parameter ? " parameter " : " buffer ");
    const auto sizes = entry.tensor.sizes();
    if (sizes.empty()) line << "scalar";
    for (std::size_t i = 0; i < sizes.size(); ++i) line << (i > 0 ? "x" : "") << sizes[i];
    lines.push_back(line.str());
  }
  return lines;
}

TEST(Names, AreTorchvisionsInItsOrder) {
  for (const int depth : {18, 34, 50, 101}) {
    const auto expected = torchvision_lines("resnet" + std::to_string(depth));
    ASSERT_GT(expected.size(), 100U);
    EXPECT_EQ(lines_of(*make_resnet({.depth = depth}, kNoInitialValues)), expected) << depth;
  }
  const auto expected = torchvision_lines("mobilenet_v2");
  ASSERT_EQ(expected.size(), 306U);  // 51 convolutions with a batch norm of 5 tensors
  EXPECT_EQ(lines_of(*make_mobilenet_v2(kNoInitialValues)), expected);
}

TEST(Names, OfTheHeadAreDetectron2s) {
  const auto network = make_segmenter({}, 19, {.seed = kNoInitialValues});
  std::vector<std::string> names;
  for (const std::string& line : lines_of(*network)) {
    if (!line.starts_with("backbone.")) names.push_back(line);
  }
  EXPECT_EQ(names.front(), "neck.fpn_lateral2.weight parameter 256x24x1x1");
  EXPECT_EQ(names.back(), "head.predictor.bias parameter 19");
  const auto has = [&names](const std::string& line) {
    return std::find(names.begin(), names.end(), line) != names.end();
  };
  EXPECT_TRUE(has("neck.fpn_output5.bias parameter 256"));
  EXPECT_TRUE(has("head.p2.0.weight parameter 128x256x3x3"));
  EXPECT_TRUE(has("head.p5.2.weight parameter 128x128x3x3"));
  EXPECT_TRUE(has("head.p5.4.norm.weight parameter 128"));
  EXPECT_FALSE(has("head.p4.4.weight parameter 128x128x3x3"));
}

struct CountCase {
  BackboneKind kind;
  std::int64_t backbone;  ///< without the classifier
  std::vector<std::int64_t> channels;
};

// Backbones: torchvision's documented totals (11,689,512; 21,797,672; 25,557,032; 44,549,160;
// 3,504,872) less the classifier's 1000 * (C + 1), and for MobileNetV2 also less features.18's
// 320 * 1280 + 2 * 1280.
const std::vector<CountCase> kCounts{
    {BackboneKind::resnet18, 11'689'512 - 513'000, {64, 128, 256, 512}},
    {BackboneKind::resnet34, 21'797'672 - 513'000, {64, 128, 256, 512}},
    {BackboneKind::resnet50, 25'557'032 - 2'049'000, {256, 512, 1024, 2048}},
    {BackboneKind::resnet101, 44'549'160 - 2'049'000, {256, 512, 1024, 2048}},
    {BackboneKind::mobilenet_v2, 3'504'872 - 1'281'000 - 412'160, {24, 32, 96, 320}}};

TEST(ParameterCounts, OfTheFullForm) {
  for (const CountCase& c : kCounts) {
    std::int64_t lateral = 4 * 256;
    for (const std::int64_t channels : c.channels) lateral += 256 * channels;
    const std::int64_t neck = lateral + 2'360'320;  // four of 9 * 256 * 256 + 256
    const std::int64_t head = 1'626'259;            // as published for 19 classes
    const auto network = make_segmenter({.backbone = c.kind, .weights = {}, .panoptic_fpn = {}}, 19,
                                        {.seed = kNoInitialValues});
    EXPECT_EQ(parameter_count(*network), c.backbone + neck + head);
  }
}

TEST(ParameterCounts, OfResNet101AreThePublishedOnes) {
  SegmenterOptions options;
  options.backbone = BackboneKind::resnet101;
  const auto network = make_segmenter(options, 19, {.seed = kNoInitialValues});
  EXPECT_EQ(parameter_count(*network), 47'470'803);
  EXPECT_EQ(parameter_count(*make_resnet({.depth = 101}, kNoInitialValues)), 42'500'160);
}

TEST(ParameterCounts, OfTheSmallForm) {
  // Neck: 64 * (24 + 32 + 96 + 320) + 4 * 64 + 4 * (9 * 64 * 64 + 64) = 178,176; head: 7 stages of
  // 9 * 64 * 64 + 2 * 64, and 64 * 11 + 11: 259,659.
  const SegmenterOptions options{.backbone = BackboneKind::mobilenet_v2,
                                 .weights = {},
                                 .panoptic_fpn = {.neck_channels = 64, .head_channels = 64}};
  EXPECT_EQ(parameter_count(*make_segmenter(options, 11, {.seed = kNoInitialValues})),
            1'811'712 + 178'176 + 259'659);
}

}  // namespace
}  // namespace dusk
