#include <gtest/gtest.h>

#include "sharding/synth/noise.hpp"
#include "sharding/synth/raster.hpp"

namespace dusk::test {
namespace {

using namespace synth;

/// 40 x 40 points, looking along +z from the origin.
Camera camera() {
  Camera c;
  c.forward = {0, 0, 1};
  c.focal = 20, c.centre_x = 20, c.centre_y = 20, c.width = 40, c.height = 40;
  return c;
}

Paint painted(Label label, Material material = Material::plain) {
  return {.material = material, .label = label};
}

TEST(Look, ProjectsAQuadToItsPinholeImage) {
  Mesh mesh;
  // 4 m wide, 2 m high, 10 m ahead: 8 x 4 points around the centre.
  mesh.quad({-2, -1, 10}, {2, -1, 10}, {2, 1, 10}, {-2, 1, 10}, painted(Label::car));
  const View view = look(mesh, camera());
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 40; ++x) {
      const bool inside = x >= 16 && x < 24 && y >= 18 && y < 22;
      const auto i = static_cast<std::size_t>(y * 40 + x);
      EXPECT_EQ(view.label[i], inside ? Label::car : Label::sky) << x << " " << y;
      if (inside) {
        EXPECT_NEAR(view.depth[i], 10, 1e-4);
      }
    }
}

TEST(Look, TheNearerSurfaceHidesTheFartherInAnyOrder) {
  for (const bool nearer_first : {true, false}) {
    Mesh mesh;
    const auto wall = [&](float z, Label label) {
      mesh.quad({-50, -50, z}, {50, -50, z}, {50, 50, z}, {-50, 50, z}, painted(label));
    };
    wall(nearer_first ? 5.0F : 9.0F, nearer_first ? Label::person : Label::wall);
    wall(nearer_first ? 9.0F : 5.0F, nearer_first ? Label::wall : Label::person);
    for (const Label label : look(mesh, camera()).label) EXPECT_EQ(label, Label::person);
  }
}

TEST(Look, GroundThatPassesBelowTheCameraIsCutAndDeepensTowardsTheHorizon) {
  Mesh mesh;
  mesh.quad({-99, -1.5F, -50}, {99, -1.5F, -50}, {99, -1.5F, 90}, {-99, -1.5F, 90},
            painted(Label::road));
  const View view = look(mesh, camera());
  for (int y = 21; y < 40; ++y) {
    const float expected = 1.5F * 20 / (static_cast<float>(y) + 0.5F - 20);
    EXPECT_NEAR(view.depth[static_cast<std::size_t>(y * 40 + 20)], expected, expected * 1e-3F) << y;
  }
  for (std::size_t i = 0; i < 19UL * 40; ++i) EXPECT_EQ(view.label[i], Label::sky);
}

TEST(Look, AFenceIsLabelledAsAWholeAndSeenThrough) {
  Mesh mesh;
  mesh.quad({-9, -9, 6}, {9, -9, 6}, {9, 9, 6}, {-9, 9, 6},
            painted(Label::fence, Material::rail_fence));
  mesh.quad({-99, -99, 30}, {99, -99, 30}, {99, 99, 30}, {-99, 99, 30}, painted(Label::building));
  const View view = look(mesh, camera());
  int through = 0;
  for (std::size_t i = 0; i < view.label.size(); ++i) {
    EXPECT_EQ(view.label[i], Label::fence);
    through += view.depth[i] > 20 ? 1 : 0;
  }
  EXPECT_GT(through, 400);
  EXPECT_LT(through, 1400);
}

TEST(ShadowMap, ARoofShadesWhatIsBelowIt) {
  Mesh mesh;
  mesh.quad({-2, 3, -2}, {2, 3, -2}, {2, 3, 2}, {-2, 3, 2}, painted(Label::building));
  mesh.quad({-9, 0, -9}, {9, 0, -9}, {9, 0, 9}, {-9, 0, 9}, painted(Label::road));
  // The sun stands in the direction +x, 45 degrees high: the shadow lies 3 m towards -x.
  const ShadowMap map(mesh, {1, 1, 0}, {0, 0, 0}, 12, 256);
  EXPECT_FALSE(map.is_lit({-3, 0.05F, 0}));
  EXPECT_TRUE(map.is_lit({0, 0.05F, 0}));
  EXPECT_TRUE(map.is_lit({-6, 0.05F, 0}));
  EXPECT_TRUE(map.is_lit({0, 3.1F, 0}));
  EXPECT_TRUE(map.is_lit({500, 0, 0}));
}

TEST(Noise, StaysInItsRangeAndHasNoJumps) {
  for (int i = 0; i < 2000; ++i) {
    const float x = static_cast<float>(i) * 0.173F - 150, y = static_cast<float>(i) * 0.061F;
    const float value = value_noise(x, y, 3);
    EXPECT_GE(value, 0);
    EXPECT_LT(value, 1);
    EXPECT_NEAR(value_noise(x + 1e-3F, y, 3), value, 0.01);
    EXPECT_GE(fractal_noise(x, y, 4, 3), 0);
    EXPECT_LT(fractal_noise(x, y, 4, 3), 1);
  }
  EXPECT_NE(value_noise(0.5F, 0.5F, 1), value_noise(0.5F, 0.5F, 2));
}

}  // namespace
}  // namespace dusk::test
