#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "sharding/synth/encode.hpp"
#include "sharding/synth/render.hpp"

namespace dusk::test {
namespace {

using namespace synth;

constexpr int kHeight = 64, kWidth = 128;
constexpr std::uint8_t kRoad = 7, kCar = 26;

/// An empty straight street, seen from its middle.
Scene empty_street() {
  Scene scene;
  scene.weather.haze = 0;
  return scene;
}

/// The pixel where a camera sees a point, by the textbook: K [R | t] X.
std::array<double, 3> textbook(const Camera& camera, const Pose& pose, double x, double y,
                               double depth) {
  const double f = static_cast<double>(camera.focal);
  const std::array<double, 3> point{(x - static_cast<double>(camera.centre_x)) / f * depth,
                                    (y - static_cast<double>(camera.centre_y)) / f * depth, depth};
  std::array<double, 3> moved{};
  for (std::size_t row = 0; row < 3; ++row) {
    moved[row] = pose[row][3];
    for (std::size_t k = 0; k < 3; ++k) moved[row] += pose[row][k] * point[k];
  }
  return {f * moved[0] / moved[2] + static_cast<double>(camera.centre_x),
          f * moved[1] / moved[2] + static_cast<double>(camera.centre_y), moved[2]};
}

TEST(SynthMotion, DepthOfTheRoadIsThatOfAPlaneBelowTheCamera) {
  Scene scene = empty_street();
  scene.camera.pitch = 0.05F, scene.camera.roll = 0.02F;
  const Rendered drawn = render(scene, kHeight, kWidth);
  int road = 0;
  for (std::size_t i = 0; i < drawn.depth.size(); ++i) {
    if (drawn.label_ids[i] != kRoad) continue;
    const float x = static_cast<float>(i % kWidth) + 0.5F,
                y = static_cast<float>(i / kWidth) + 0.5F;
    const float expected = -scene.camera.height / drawn.camera.ray(x, y).y;
    if (expected > 50) continue;  // pixels at the horizon span many metres
    ++road;
    EXPECT_NEAR(drawn.depth[i], expected, 1e-4F * expected) << i % kWidth << " " << i / kWidth;
  }
  EXPECT_GT(road, kHeight * kWidth / 10);
  EXPECT_TRUE(std::isinf(drawn.depth.front()));  // the sky
}

TEST(SynthMotion, OfACameraInItsOwnCoordinates) {
  Scene scene = empty_street();
  const Camera here = make_camera(scene, kHeight, kWidth);
  scene.camera.along += 2, scene.camera.lateral += 0.5F, scene.camera.height += 0.25F;
  const Pose moved = motion_between(here, make_camera(scene, kHeight, kWidth));
  // x right, y down, z ahead: what stands comes nearer, to the left and down.
  const Pose expected{{{1, 0, 0, -0.5}, {0, 1, 0, 0.25}, {0, 0, 1, -2}}};
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 4; ++column)
      EXPECT_NEAR(moved[row][column], expected[row][column], 1e-6) << row << " " << column;

  scene = empty_street();
  scene.camera.yaw = 0.1F;  // to the right
  const Pose turned = motion_between(here, make_camera(scene, kHeight, kWidth));
  EXPECT_NEAR(turned[0][0], std::cos(0.1), 1e-6);
  EXPECT_NEAR(turned[0][2], -std::sin(0.1), 1e-6);  // what was ahead is to the left
  EXPECT_NEAR(turned[2][0], std::sin(0.1), 1e-6);
}

TEST(SynthMotion, FramesMoveCameraAndTrafficAndNothingElse) {
  const Scene now = make_scene(5, 3, TimeOfDay::day), next = after(now, 1);
  EXPECT_FLOAT_EQ(next.camera.along - now.camera.along, now.camera.speed / 17);
  ASSERT_EQ(now.traffic.size(), next.traffic.size());
  int moving = 0;
  for (std::size_t i = 0; i < now.traffic.size(); ++i) {
    const Object &a = now.traffic[i], &b = next.traffic[i];
    EXPECT_NEAR(std::hypot(b.along - a.along, b.lateral - a.lateral), a.speed / 17, 1e-4);
    EXPECT_FALSE(a.parked && a.speed > 0);
    moving += a.speed > 0 ? 1 : 0;
  }
  EXPECT_GT(moving, 3);
  EXPECT_NE(now.weather.grain_seed, next.weather.grain_seed);
  EXPECT_EQ(now.weather.seed, next.weather.seed);
  const Scene back = after(next, -1);
  EXPECT_NEAR(back.camera.along, now.camera.along, 1e-5);
  EXPECT_NEAR(back.traffic.front().along, now.traffic.front().along, 1e-4);
}

/// Flow by surfaces against depth, motion and the textbook.
TEST(SynthMotion, FlowOfWhatStandsFollowsFromDepthAndEgoMotion) {
  Scene from = make_scene(5, 7, TimeOfDay::day);
  from.traffic.clear(), from.camera.bonnet = false;
  from.camera.speed = 12, from.camera.turn = 0.2F;
  const Scene to = after(from, 1);
  const Flow flow = optical_flow(from, to, kHeight, kWidth);
  const Rendered drawn = render(from, kHeight, kWidth);
  const Pose pose = motion_between(drawn.camera, make_camera(to, kHeight, kWidth));
  int compared = 0, seen = 0;
  double largest = 0;
  std::vector<double> errors;
  for (std::size_t i = 0; i < flow.x.size(); ++i) {
    seen += flow.state[i] == Flow::State::seen ? 1 : 0;
    if (std::isinf(drawn.depth[i]) || flow.state[i] == Flow::State::unknown) continue;
    const double x = static_cast<double>(i % kWidth) + 0.5,
                 y = static_cast<double>(i / kWidth) + 0.5;
    const auto there = textbook(drawn.camera, pose, x, y, static_cast<double>(drawn.depth[i]));
    const double u = static_cast<double>(flow.x[i]), v = static_cast<double>(flow.y[i]);
    errors.push_back(std::hypot(there[0] - x - u, there[1] - y - v));
    largest = std::max(largest, std::hypot(u, v));
    ++compared;
  }
  std::ranges::sort(errors);
  EXPECT_LT(errors[errors.size() / 2], 1e-3);
  EXPECT_LT(errors[errors.size() * 99 / 100], 0.05);
  EXPECT_GT(compared, kHeight * kWidth / 2);
  EXPECT_GT(seen, kHeight * kWidth / 2);
  EXPECT_GT(largest, 3);
}

TEST(SynthMotion, OnlyAMovingCarFlowsPastAStandingCamera) {
  Scene from = empty_street();
  Object car{.kind = ObjectKind::car, .lateral = 1, .along = 12, .size = {1.8F, 1.5F, 4.2F}};
  car.speed = -8.5F;  // half a metre a frame, towards the camera
  from.traffic = {car};
  const Scene to = after(from, 1);
  const Flow flow = optical_flow(from, to, kHeight, kWidth);
  const Rendered drawn = render(from, kHeight, kWidth);
  const Pose nearer{{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, -0.5}}};
  int on_car = 0, wrong = 0;
  for (std::size_t i = 0; i < flow.x.size(); ++i) {
    const double u = static_cast<double>(flow.x[i]), v = static_cast<double>(flow.y[i]);
    if (drawn.label_ids[i] != kCar) {
      EXPECT_NEAR(u, 0, 1e-3);
      EXPECT_NEAR(v, 0, 1e-3);
      continue;
    }
    const double x = static_cast<double>(i % kWidth) + 0.5,
                 y = static_cast<double>(i / kWidth) + 0.5;
    const auto there = textbook(drawn.camera, nearer, x, y, static_cast<double>(drawn.depth[i]));
    ++on_car;
    wrong += std::hypot(there[0] - x - u, there[1] - y - v) > 0.05 ? 1 : 0;
  }
  EXPECT_GT(on_car, 50);
  EXPECT_LT(wrong, on_car / 10);
}

TEST(SynthMotion, TheNextFrameWarpedByFlowIsThisFrame) {
  constexpr int height = 160, width = 320;
  Scene from = make_scene(5, 7, TimeOfDay::day);
  from.camera.speed = 12, from.weather.noise = 0, from.weather.shutter = 0;
  const Scene to = after(from, 1);
  const Flow flow = optical_flow(from, to, height, width);
  const Rendered now = render(from, height, width), next = render(to, height, width);
  double warped = 0, unmoved = 0;
  for (std::size_t i = 0; i < flow.x.size(); ++i) {
    if (flow.state[i] != Flow::State::seen) continue;
    const auto x = static_cast<std::size_t>(
        std::clamp(static_cast<float>(i % width) + 0.5F + flow.x[i], 0.0F, width - 1.0F));
    const auto y = static_cast<std::size_t>(
        std::clamp(static_cast<float>(i / width) + 0.5F + flow.y[i], 0.0F, height - 1.0F));
    warped += std::abs(now.image[3 * i] - next.image[3 * (y * width + x)]);
    unmoved += std::abs(now.image[3 * i] - next.image[3 * i]);
  }
  EXPECT_LT(warped, 0.6 * unmoved);
}

TEST(SynthMotion, BetweenDayAndNightOnlyThePlaceHasFlow) {
  const Scene day = make_scene(5, 7, TimeOfDay::day), night = make_scene(5, 7, TimeOfDay::night);
  const Flow flow = optical_flow(day, night, kHeight, kWidth);
  const Rendered drawn = render(day, kHeight, kWidth);
  int place = 0;
  for (std::size_t i = 0; i < flow.x.size(); ++i) {
    const std::uint8_t id = drawn.label_ids[i];
    if (id >= 24) {
      EXPECT_EQ(flow.state[i], Flow::State::unknown);
    }
    place += flow.state[i] == Flow::State::seen ? 1 : 0;
  }
  EXPECT_GT(place, kHeight * kWidth / 5);  // traffic hides much, the shift moves much
}

TEST(SynthEncode, DisparityAndFlowAsPublished) {
  const std::vector<float> depth{10, 0.1F, std::numeric_limits<float>::infinity()};
  EXPECT_EQ(encode_disparity(depth, 200.0), (std::vector<std::uint16_t>{5121, 0, 0}));
  Flow flow{
      .height = 1,
      .width = 4,
      .x = {1.5F, -2, 0, 600},
      .y = {0, 0.25F, 0, 0},
      .state = {Flow::State::seen, Flow::State::hidden, Flow::State::unknown, Flow::State::seen}};
  EXPECT_EQ(encode_flow(flow),
            (std::vector<std::uint16_t>{32864, 32768, 1, 32640, 32784, 2, 0, 0, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace dusk::test
