#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

#include "dusk/data/label_space.hpp"
#include "sharding/synth/city.hpp"
#include "sharding/synth/light.hpp"

namespace dusk::test {
namespace {

using namespace synth;

double mean_of(const std::vector<std::uint8_t>& values) {
  double sum = 0;
  for (const std::uint8_t value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

TEST(SynthScene, DayAndNightShowTheSamePlace) {
  const Scene day = make_scene(5, 3, TimeOfDay::day), night = make_scene(5, 3, TimeOfDay::night);
  ASSERT_EQ(day.place.objects.size(), night.place.objects.size());
  for (std::size_t i = 0; i < day.place.objects.size(); ++i) {
    EXPECT_EQ(day.place.objects[i].along, night.place.objects[i].along);
    EXPECT_EQ(day.place.objects[i].seed, night.place.objects[i].seed);
  }
  EXPECT_NE(day.camera.along, night.camera.along);
  ASSERT_FALSE(day.traffic.empty());
  EXPECT_NE(day.traffic.front().seed, night.traffic.front().seed);
}

TEST(SynthScene, VisitsOfAPlaceDifferAsSatelliteNavigationDoes) {
  float along = 0, across = 0, yaw = 0;
  for (std::uint64_t index = 0; index < 200; ++index) {
    const CameraPose day = make_scene(5, index, TimeOfDay::day).camera,
                     night = make_scene(5, index, TimeOfDay::night).camera;
    along = std::max(along, std::abs(day.along - night.along));
    across = std::max(across, std::abs(day.lateral - night.lateral));
    yaw = std::max(yaw, std::abs(day.yaw - night.yaw));
  }
  EXPECT_GT(along, 3);
  EXPECT_LE(along, 6);
  EXPECT_GT(across, 0.5F);
  EXPECT_LE(across, 1);
  EXPECT_GT(yaw, 0.03F);
  EXPECT_LE(yaw, 0.07F);
}

TEST(SynthScene, SeedAndIndexMakeOtherPlaces) {
  const Scene a = make_scene(5, 3, TimeOfDay::day);
  EXPECT_NE(a.place.seed, make_scene(5, 4, TimeOfDay::day).place.seed);
  EXPECT_NE(a.place.seed, make_scene(6, 3, TimeOfDay::day).place.seed);
  EXPECT_NE(a.place.seed, make_scene(3, 5, TimeOfDay::day).place.seed);
}

TEST(SynthScene, NoMovingVehicleStandsInTheCamera) {
  for (std::uint64_t index = 0; index < 200; ++index)
    for (const TimeOfDay time : {TimeOfDay::day, TimeOfDay::night}) {
      const Scene scene = make_scene(1, index, time);
      for (const Object& o : scene.traffic) {
        if (o.parked || std::abs(o.heading) > 0.5F) continue;
        const bool same_lane = std::abs(o.lateral - scene.camera.lateral) < 1;
        if (same_lane) {
          EXPECT_GT(o.along - o.size.z / 2, scene.camera.along + 1) << index;
        }
      }
    }
}

TEST(SynthScene, PicturesDependOnTheSceneOnly) {
  const Scene scene = make_scene(2, 1, TimeOfDay::night);
  const Rendered a = render(scene, 64, 128), b = render(scene, 64, 128);
  EXPECT_EQ(a.image, b.image);
  EXPECT_EQ(a.label_ids, b.label_ids);
  EXPECT_NE(a.image, render(make_scene(2, 2, TimeOfDay::night), 64, 128).image);
}

TEST(SynthScene, ClassesAreAboutAsFrequentAsInCityscapes) {
  const LabelMap train_ids = label_ids_to_train_ids(label_space("cityscapes19"));
  std::array<double, 256> pixels{};
  double labelled = 0;
  for (std::uint64_t index = 0; index < 60; ++index) {
    const TimeOfDay time = index % 2 == 0 ? TimeOfDay::day : TimeOfDay::night;
    for (const std::uint8_t id : render(make_scene(1, index, time), 32, 64).label_ids) {
      ++pixels[train_ids[id]];
      labelled += train_ids[id] < 19 ? 1 : 0;
    }
  }
  for (std::size_t id = 0; id < 19; ++id) {
    const double ratio = 100 * pixels[id] / labelled / kCityscapesShares[id];
    const std::string name = label_space("cityscapes19").classes[id].name;
    EXPECT_GT(ratio, 0.2) << name;  // the largest of Cityscapes is 370 times the smallest
    EXPECT_LT(ratio, 5) << name;
  }
}

TEST(SynthScene, NightIsMuchDarkerThanDay) {
  double day = 0, night = 0;
  for (std::uint64_t index = 0; index < 10; ++index) {
    day += mean_of(render(make_scene(1, index, TimeOfDay::day), 64, 128).image) / 10;
    night += mean_of(render(make_scene(1, index, TimeOfDay::night), 64, 128).image) / 10;
  }
  EXPECT_GT(day, 85);  // CamVid by day: 85 to 137
  EXPECT_LT(day, 150);
  EXPECT_LT(night, 60);  // CamVid at dusk: 60
  EXPECT_GT(night, 10);
}

/// Of a grey wall: the deviation of green in grey levels, its correlation with the pixel beside,
/// below and five pixels away in both ways, and with red.
struct Noise {
  double deviation = 0, beside = 0, below = 0, away = 0, red = 0;
};

Noise noise_of_grey_wall(const Scene& scene, float light) {
  constexpr int kSide = 512, kFrom = 224, kTo = 288;
  const auto image = expose(
      scene, {kSide, kSide, std::vector<Vec3>(std::size_t{kSide} * kSide, {light, light, light})});
  const auto covariance = [&](int columns, int rows, std::size_t other) {
    double one = 0, two = 0, both = 0, count = 0;
    for (int y = kFrom; y < kTo; ++y)
      for (int x = kFrom; x < kTo; ++x, ++count) {
        const auto value = [&](int dx, int dy, std::size_t k) {
          return static_cast<double>(
              image[3 * static_cast<std::size_t>((y + dy) * kSide + x + dx) + k]);
        };
        const double a = value(0, 0, 1), b = value(columns, rows, other);
        one += a, two += b, both += a * b;
      }
    return both / count - one / count * two / count;
  };
  const double variance = covariance(0, 0, 1);
  return {.deviation = std::sqrt(variance),
          .beside = covariance(1, 0, 1) / variance,
          .below = covariance(0, 1, 1) / variance,
          .away = covariance(5, 5, 1) / variance,
          .red = covariance(0, 0, 0) / variance};
}

TEST(SynthScene, NoiseIsThatOfACamera) {
  Scene scene = make_scene(5, 3, TimeOfDay::night);
  scene.weather.balance = {1, 1, 1}, scene.weather.exposure = 1, scene.weather.noise = 0.8F;
  const Noise noise = noise_of_grey_wall(scene, 0.02F);
  // The real night picture of Dark Zurich: 1.7 grey levels, 0.56, 0.50 and 0.98.
  EXPECT_NEAR(noise.deviation, 2.2, 0.7);
  EXPECT_NEAR(noise.beside, 0.5, 0.2);
  EXPECT_NEAR(noise.below, 0.5, 0.2);
  EXPECT_NEAR(noise.away, 0, 0.15);
  EXPECT_NEAR(noise.red, 0.95, 0.1);
  scene.time = TimeOfDay::day, scene.weather.noise = 1;
  EXPECT_LT(noise_of_grey_wall(scene, 0.2F).deviation, 1.5);
}

TEST(SynthScene, GroundAndSkyAreWhereTheyBelong) {
  int road_below = 0, sky_below = 0;
  for (std::uint64_t index = 0; index < 10; ++index) {
    const Rendered drawn = render(make_scene(9, index, TimeOfDay::day), 64, 128);
    for (std::size_t i = drawn.label_ids.size() / 4 * 3; i < drawn.label_ids.size(); ++i) {
      road_below += drawn.label_ids[i] == 7 ? 1 : 0;
      sky_below += drawn.label_ids[i] == 23 ? 1 : 0;
    }
  }
  EXPECT_GT(road_below, 10 * 64 * 128 / 4 / 2);  // most of the lowest quarter
  EXPECT_EQ(sky_below, 0);
}

}  // namespace
}  // namespace dusk::test
