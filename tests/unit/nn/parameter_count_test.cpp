// Parameters of every network, against the numbers of its paper, its public code or the
// specification that it was written from. A new network is a line.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <functional>

#include "dusk/nn/inception_v3.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/nn/named_state.hpp"
#include "dusk/nn/resnet.hpp"
#include "dusk/nn/segmenter.hpp"
#include "dusk/nn/vgg16.hpp"

namespace dusk {
namespace {

using Module = std::shared_ptr<torch::nn::Module>;

struct Line {
  const char* network;
  std::int64_t parameters;
  std::function<Module()> make;
  /// Beginnings of names, and what is below them.
  std::vector<std::pair<std::vector<std::string>, std::int64_t>> parts = {};
};

/// 19 classes on ResNet-101.
Module segmenter(Architecture architecture, DeepLabV2Form form = DeepLabV2Form::openmmlab) {
  SegmenterOptions options;
  options.architecture = architecture;
  options.backbone = BackboneKind::resnet101;
  options.deeplab_v2.form = form;
  return make_segmenter(options, 19, {.seed = kNoInitialValues});
}

Module segmenter_on(BackboneKind backbone, Architecture architecture) {
  return make_segmenter({.architecture = architecture, .backbone = backbone}, 19,
                        {.seed = kNoInitialValues});
}

const std::vector<Line>& table() {
  static const std::vector<Line> lines{
      // torchvision's totals less the classifiers
      {"resnet18", 11'176'512, [] { return make_resnet({.depth = 18}, kNoInitialValues); }},
      {"vgg16 without its classifier", 138'357'544 - 123'642'856,
       [] { return make_vgg16({}, kNoInitialValues); }},
      {"inception_v3 without fc, torchvision", 23'834'568 - 2'049'000,
       [] { return make_inception_v3(InceptionForm::torchvision, kNoInitialValues); }},
      {"inception_v3, fid", 23'834'568 - 2'049'000,
       [] { return make_inception_v3(InceptionForm::fid, kNoInitialValues); }},
      // dannet_and_selftraining A.2.3 and B.7
      {"panoptic_fpn",
       47'470'803,
       [] { return segmenter(Architecture::panoptic_fpn); },
       {{{"backbone."}, 42'500'160}, {{"neck."}, 3'344'384}, {{"head."}, 1'626'259}}},
      {"pspnet",
       70'433'254,
       [] { return segmenter(Architecture::pspnet); },
       {{{"backbone."}, 42'623'936}, {{"head."}, 23'079'443}, {{"dsn."}, 4'729'875}}},
      {"deeplab_v2, caffe",
       44'601'560,
       [] { return segmenter(Architecture::deeplab_v2, DeepLabV2Form::caffe); },
       {{{"backbone."}, 42'500'160}}},
      // dsrnss 7.5, 7.6 and 4.2
      {"deeplab_v2, openmmlab",
       43'920'300,
       [] { return segmenter(Architecture::deeplab_v2); },
       {{{"backbone."}, 42'519'392},
        {{"backbone.stem."}, 28'768},
        {{"backbone.layer1."}, 215'808},
        {{"backbone.layer2."}, 1'219'584},
        {{"backbone.layer3."}, 26'090'496},
        {{"backbone.layer4."}, 14'964'736},
        {{"head."}, 1'400'908}}},
      {"refinenet",
       118'047'827,
       [] { return segmenter(Architecture::refinenet); },
       {{{"backbone."}, 42'500'160},
        {{"p_ims1d2_outl1_", "adapt_stage1_", "mflow_conv_g1_"}, 43'649'536},
        {{"p_ims1d2_outl2_", "adapt_stage2_", "mflow_conv_g2_"}, 11'797'760},
        {{"p_ims1d2_outl3_", "adapt_stage3_", "mflow_conv_g3_"}, 10'618'112},
        {{"p_ims1d2_outl4_", "adapt_stage4_", "mflow_conv_g4_"}, 9'438'464},
        {{"clf_conv."}, 43'795}}},
      // dsrnss 7.1 to 7.4 (all variants and parts: mix_transformer_test.cpp, hrda_test.cpp)
      {"daformer on mit_b0",
       6'900'595,
       [] { return segmenter_on(BackboneKind::mit_b0, Architecture::daformer); },
       {{{"backbone."}, 3'319'392}, {{"head."}, 3'581'203}}},
      {"hrda on mit_b1",
       17'394'406,
       [] { return segmenter_on(BackboneKind::mit_b1, Architecture::hrda); },
       {{{"backbone."}, 13'151'424}, {{"head."}, 3'712'275}, {{"hrda_scale_attention."}, 530'707}}},
      {"vgg16 of UAWarpC", 7'635'264, [] { return make_vgg16(kAlignmentVgg, kNoInitialValues); }},
      // depth_and_fusion I.4.4
      {"resnet18 of two pictures", 11'185'920,
       [] {
         return make_resnet({.depth = 18, .in_channels = 6, .stem_level = true}, kNoInitialValues);
       }},
  };
  return lines;
}

std::int64_t count_below(const torch::nn::Module& network, const std::vector<std::string>& parts) {
  std::int64_t count = 0;
  for (const auto& entry : network.named_parameters()) {
    for (const std::string& part : parts) {
      if (entry.key().starts_with(part)) count += entry.value().numel();
    }
  }
  return count;
}

TEST(ParameterCounts, OfEveryNetworkAndItsPartsAreThePublishedOnes) {
  for (const Line& line : table()) {
    const Module network = line.make();
    EXPECT_EQ(parameter_count(*network), line.parameters) << line.network;
    for (const auto& [parts, parameters] : line.parts) {
      EXPECT_EQ(count_below(*network, parts), parameters) << line.network << ": " << parts[0];
    }
  }
}

}  // namespace
}  // namespace dusk
