// The files of configs/models that hold networks from images to images and to depth.
#include <gtest/gtest.h>

#include <filesystem>

#include "dusk/config/config.hpp"
#include "dusk/nn/cyclegan.hpp"
#include "dusk/nn/dannet.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/nn/monodepth.hpp"
#include "dusk/nn/named_state.hpp"
#include "dusk/nn/unit_translator.hpp"

namespace dusk {
namespace {

struct DepthSegOptions {
  LightNetOptions light;
  MonodepthEncoderOptions encoder;
  MonodepthDecoderOptions decoder;
  PoseNetOptions pose;
};

template <class Visitor>
void describe(Visitor& v, DepthSegOptions& o) {
  v.section("light", o.light, "");
  v.section("encoder", o.encoder, "");
  v.section("decoder", o.decoder, "");
  v.section("pose", o.pose, "");
}

/// A file has one of them, under the name of its method.
struct Models {
  UnitOptions unit;
  CycleGanOptions cyclegan;
  DannetOptions dannet;
  DepthSegOptions depthseg;
};

template <class Visitor>
void describe(Visitor& v, Models& o) {
  v.section("unit", o.unit, "");
  v.section("cyclegan", o.cyclegan, "");
  v.section("dannet", o.dannet, "");
  v.section("depthseg", o.depthseg, "");
}

Models model(const std::string& file) {
  return read<Models>(load_config(std::filesystem::path(DUSK_MODELS) / file));
}

std::int64_t unit_parameters(const UnitOptions& options) {
  return parameter_count(*make_unit_translator(options.translator, kNoInitialValues)) +
         parameter_count(*make_unit_discriminators(options.discriminator, kNoInitialValues));
}

TEST(ModelConfigs, OfUnitAreThePublishedNetworks) {
  EXPECT_EQ(unit_parameters(model("unit_t0.yaml").unit), 22'280'966 + 2 * 8'271'171);
  EXPECT_EQ(unit_parameters(model("unit_t1.yaml").unit), 22'280'966 + 2 * 8'276'547);
  EXPECT_EQ(unit_parameters(model("unit_shared.yaml").unit),
            22'280'966 - 2'360'320 + 2 * 8'271'171);
  EXPECT_LT(unit_parameters(model("unit_tiny.yaml").unit), 600'000);
}

std::int64_t cyclegan_parameters(const CycleGanOptions& options) {
  return parameter_count(*make_cyclegan_generator(options.generator, kNoInitialValues)) +
         parameter_count(*make_patch_discriminator(options.discriminator, kNoInitialValues));
}

TEST(ModelConfigs, OfCycleGanAreThePublishedNetworks) {
  EXPECT_EQ(cyclegan_parameters(model("cyclegan.yaml").cyclegan), 11'378'179 + 2'764'737);
  EXPECT_LT(cyclegan_parameters(model("cyclegan_tiny.yaml").cyclegan), 150'000);
}

TEST(ModelConfigs, OfDannetAreThePublishedNetworks) {
  const DannetOptions options = model("dannet.yaml").dannet;
  EXPECT_EQ(parameter_count(*make_light_net(options.light, kNoInitialValues)), 4'299'395);
  EXPECT_EQ(parameter_count(*make_output_discriminator(options.discriminator, 19)), 1'728'193);
}

TEST(ModelConfigs, OfDepthSegNet24AreThePublishedNetworks) {
  const DepthSegOptions options = model("depthseg.yaml").depthseg;
  const auto encoder = make_monodepth_encoder(options.encoder, 1, kNoInitialValues);
  const std::int64_t without_light =
      parameter_count(*encoder) +
      parameter_count(*make_depth_decoder(options.decoder, encoder->pyramid())) +
      parameter_count(*make_segmentation_decoder(options.decoder, encoder->pyramid(), 19));
  EXPECT_EQ(without_light, 17'520'912);
  EXPECT_EQ(without_light + parameter_count(*make_light_net(options.light, kNoInitialValues)),
            17'687'699);
  EXPECT_EQ(parameter_count(*make_pose_net(options.pose, kNoInitialValues)), 12'500'492);
}

}  // namespace
}  // namespace dusk
