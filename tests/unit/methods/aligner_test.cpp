#include "methods/dsrnss/aligner.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/io/safetensors.hpp"
#include "dusk/nn/named_state.hpp"
#include "dusk/nn/uawarpc.hpp"
#include "dusk/nn/vgg16.hpp"
#include "dusk/nn/warp.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;

Log quiet() {
  return Log({.console = LogLevel::off});
}

PairAlignment pair_of(const std::string& night) {
  return {.night = night,
          .day = "day",
          .height = 120,
          .width = 200,
          .matches = 60,
          .inliers = 40,
          .map = {1.02, 0.03, -6.5, -0.02, 0.98, 4.25, 2e-4, -1e-4, 1},
          .sigma = 2};
}

struct Point {
  double x, y;
};

Point mapped(const Homography& map, Point p) {
  const double w = map[6] * p.x + map[7] * p.y + map[8];
  return {(map[0] * p.x + map[1] * p.y + map[2]) / w, (map[3] * p.x + map[4] * p.y + map[5]) / w};
}

/// Where the crop shows a place of the picture: areas are resized, not centres.
Point in_crop_pixels(const Geometry& geometry, int height, int width, Point p) {
  const double x = (p.x + 0.5) / width * geometry.scaled_width - 0.5 - geometry.left;
  const double y = (p.y + 0.5) / height * geometry.scaled_height - 0.5 - geometry.top;
  return {geometry.flip ? geometry.width - 1 - x : x, y};
}

/// As it is; halved; enlarged unevenly; cut out of a set that was made smaller before.
std::vector<Geometry> geometries() {
  Geometry halved{.source_height = 120,
                  .source_width = 200,
                  .scaled_height = 60,
                  .scaled_width = 100,
                  .top = 9,
                  .left = 31,
                  .height = 48,
                  .width = 64};
  Geometry uneven = halved;
  uneven.scaled_height = 151, uneven.scaled_width = 247, uneven.flip = true;
  Geometry small_set = halved;
  small_set.source_height = 60, small_set.source_width = 100, small_set.flip = true;
  return {whole_picture(120, 200), halved, uneven, small_set};
}

TEST(HomographyInCrop, MapsTheSamePhysicalPoints) {
  const PairAlignment pair = pair_of("n");
  for (const Geometry& geometry : geometries()) {
    const Homography map = in_crop(pair, geometry);
    for (const Point night : {Point{0, 0}, Point{70.25, 31.5}, Point{150, 99}}) {
      const Point day = mapped(pair.map, night);
      const Point found = mapped(map, in_crop_pixels(geometry, 120, 200, night));
      const Point expected = in_crop_pixels(geometry, 120, 200, day);
      EXPECT_NEAR(found.x, expected.x, 1e-9);
      EXPECT_NEAR(found.y, expected.y, 1e-9);
    }
  }
}

/// A picture without edges, at any place.
double shade(Point p) {
  return std::sin(p.x / 17) + std::cos(p.y / 13 + p.x / 29);
}

/// (1, 1, H, W): what the crop shows of a picture of 120 x 200 pixels with shade(map(place)).
at::Tensor crop_of(const Geometry& geometry, const Homography& map) {
  at::Tensor crop = at::empty({1, 1, geometry.height, geometry.width}, at::kDouble);
  auto pixels = crop.accessor<double, 4>();
  for (int y = 0; y < geometry.height; ++y)
    for (int x = 0; x < geometry.width; ++x) {
      const int column = geometry.flip ? geometry.width - 1 - x : x;
      const Point place{(column + geometry.left + 0.5) * 200 / geometry.scaled_width - 0.5,
                        (y + geometry.top + 0.5) * 120 / geometry.scaled_height - 0.5};
      pixels[0][0][y][x] = shade(mapped(map, place));
    }
  return crop;
}

StreamBatch batch_of(const std::vector<std::string>& names,
                     const std::vector<Geometry>& geometries) {
  StreamBatch batch;
  batch.names = names;
  batch.geometries = geometries;
  return batch;
}

TEST(HomographyAligner, WarpsTheDayCropOntoTheNightCrop) {
  const test::TempFolder folder;
  const PairAlignment pair = pair_of("n");
  write_pair_alignments(folder / "pairs", {.made_by = "{}", .pairs = {pair}});
  Log log = quiet();
  const auto aligner = make_aligner(
      {.mode = AlignmentMode::homography, .homographies = folder / "pairs"}, Device::cpu(), log);
  for (const Geometry& geometry : geometries()) {
    const at::Tensor night = crop_of(geometry, pair.map);
    const at::Tensor day = crop_of(geometry, kIdentityMap);
    const DayAlignment found = aligner->align(night, day, batch_of({"n"}, {geometry}));
    const Warped seen = warp(day, found.flow);
    ASSERT_GT(seen.valid.sum().item<double>(), 0.6 * geometry.height * geometry.width);
    EXPECT_LT(((seen.values - night).abs() * seen.valid).max().item<double>(), 0.01);
    EXPECT_GT((day - night).abs().max().item<double>(), 0.2);  // unaligned it is another picture
  }
}

TEST(HomographyAligner, TrustsAccordingToSigmaAndLeavesRefusedPairsAsTheyAre) {
  const test::TempFolder folder;
  PairAlignment refused = pair_of("refused");
  refused.fault = AlignmentFault::few_inliers;
  write_pair_alignments(folder / "pairs", {.made_by = "{}", .pairs = {pair_of("n"), refused}});
  Log log = quiet();
  const auto aligner = make_aligner(
      {.mode = AlignmentMode::homography, .homographies = folder / "pairs"}, Device::cpu(), log);
  const at::Tensor pictures = at::zeros({2, 3, 48, 64});
  // In this crop the identity, taken through the crop's map and back, moves everything by 1e-14: a
  // flow that is not 0 makes the border of the warped picture invalid.
  Geometry geometry = geometries()[2];
  geometry.scaled_height = 60, geometry.scaled_width = 115;
  PairAlignment unmoved = pair_of("n");
  unmoved.map = kIdentityMap;
  ASSERT_NE(in_crop(unmoved, geometry), kIdentityMap);
  const DayAlignment found =
      aligner->align(pictures, pictures, batch_of({"refused", "n"}, {geometry, geometry}));
  ASSERT_EQ(found.flow.sizes(), at::IntArrayRef({2, 2, 48, 64}));
  EXPECT_EQ(found.flow[0].abs().max().item<float>(), 0);
  EXPECT_GT(found.flow[1].abs().min().item<float>(), 0);
  ASSERT_EQ(found.confidence.sizes(), at::IntArrayRef({2, 1, 1, 1}));
  EXPECT_EQ(found.confidence[0].item<float>(), 0.5F);
  EXPECT_NEAR(found.confidence[1].item<float>(), 1 - std::exp(-0.125), 1e-6);
  expect_contains(
      message_of<DataError>([&] {
        (void)aligner->align(pictures, pictures, batch_of({"n", "else"}, {geometry, geometry}));
      }),
      "no pair of the night picture 'else'");
}

TEST(MakeAligner, ChoosesByTheOptionsAndSaysWhatIsMissing) {
  const test::TempFolder folder;
  Log log({.console = LogLevel::off, .file = folder / "log"});
  const at::Tensor pictures = at::zeros({2, 3, 8, 8});
  for (const AlignmentMode mode : {AlignmentMode::automatic, AlignmentMode::identity}) {
    const auto aligner = make_aligner({.mode = mode}, Device::cpu(), log);
    ASSERT_NE(aligner, nullptr);
    const DayAlignment found = aligner->align(pictures, pictures, {});
    EXPECT_FALSE(found.flow.defined());
    EXPECT_TRUE(at::equal(found.confidence, at::full({2, 1, 1, 1}, 0.5)));
  }
  expect_contains(read_text(folder / "log"), "WITHOUT an alignment (mode identity)");
  EXPECT_EQ(make_aligner({.mode = AlignmentMode::off}, Device::cpu(), log), nullptr);
  const auto refusal = [&](const AlignmentOptions& options) {
    return message_of<ConfigError>([&] { (void)make_aligner(options, Device::cpu(), log); });
  };
  expect_contains(refusal({.mode = AlignmentMode::uawarpc, .vgg_weights = "x"}),
                  "'uawarpc_weights' and 'vgg_weights' must both name a file");
  expect_contains(refusal({.mode = AlignmentMode::homography}), "'homographies' names no file");
}

/// The module's tensors as a file, each name behind `prefix`.
void save(const std::filesystem::path& path, const torch::nn::Module& module,
          const std::string& prefix) {
  std::vector<NamedTensor> tensors = named_state(module);
  for (NamedTensor& tensor : tensors) tensor.name = prefix + tensor.name;
  std::vector<TensorRecord> records;
  for (const NamedTensor& tensor : tensors) records.push_back(to_record(tensor));
  write_safetensors(path, records, {});
}

TEST(UaWarpCAligner, IsTheNetworkWithTheWeightsOfItsFiles) {
  const test::TempFolder folder;
  const auto vgg = make_vgg16(kAlignmentVgg, /*seed=*/3);
  const auto head = make_uawarpc(/*seed=*/4);
  save(folder / "vgg.safetensors", *vgg, "");
  save(folder / "head.safetensors", *head, "alignment_head.");
  Log log = quiet();
  const auto aligner = make_aligner(
      {.uawarpc_weights = folder / "head.safetensors", .vgg_weights = folder / "vgg.safetensors"},
      Device::cpu(), log);
  const at::NoGradGuard no_grad;
  const at::Tensor night = at::randn({1, 3, 32, 64}), day = at::randn({1, 3, 32, 64});
  head->eval();
  const Alignment expected =
      head->forward(alignment_features(*vgg, night), alignment_features(*vgg, day), 32, 64);
  const DayAlignment found = aligner->align(night, day, {});
  EXPECT_TRUE(at::allclose(found.flow, expected.flow, 1e-4, 1e-4));
  EXPECT_TRUE(at::allclose(found.confidence, match_confidence(expected.log_variance)));
  EXPECT_EQ(found.confidence.sizes(), at::IntArrayRef({1, 1, 32, 64}));
}

}  // namespace
}  // namespace dusk
