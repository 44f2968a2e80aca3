#include "dusk/io/pair_alignment.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;

/// A small turn and move of a picture of 100 x 200 pixels.
PairAlignment good_pair() {
  return {.night = "train/n",
          .day = "train/d",
          .height = 100,
          .width = 200,
          .matches = 60,
          .inliers = 40,
          .map = {1.01, -0.02, 3.25, 0.02, 0.99, -1.5, 1e-5, -2e-5, 1},
          .sigma = 0.1 + 0.7};
}

TEST(PairAlignments, AreReadAsTheyWereWritten) {
  const test::TempFolder folder;
  const auto path = folder / "pairs.json";
  PairAlignment refused = good_pair();
  refused.night = "a \"quoted\"/é", refused.inliers = 3;
  refused.fault = AlignmentFault::few_inliers;  // whatever its map is, it is not written
  write_pair_alignments(path,
                        {.made_by = R"({"command":"align"})", .pairs = {good_pair(), refused}});
  const PairAlignments read = read_pair_alignments(path);
  EXPECT_EQ(read.made_by, R"({"command":"align"})");
  ASSERT_EQ(read.pairs.size(), 2U);
  const PairAlignment& first = read.pairs[0];
  EXPECT_EQ(first.night, "train/n");
  EXPECT_EQ(first.day, "train/d");
  EXPECT_EQ(first.map, good_pair().map);
  EXPECT_EQ(first.sigma, 0.1 + 0.7);
  EXPECT_EQ(first.matches, 60);
  EXPECT_EQ(first.inliers, 40);
  EXPECT_TRUE(first.accepted());
  EXPECT_EQ(read.pairs[1].night, "a \"quoted\"/é");
  EXPECT_EQ(read.pairs[1].fault, AlignmentFault::few_inliers);
  EXPECT_EQ(read.pairs[1].map, kIdentityMap);
  EXPECT_EQ(read.pairs[1].sigma, kLeastSigma);
  expect_contains(read_text(path), "\"accepted\": 1,");
}

TEST(PairAlignment, IsRefusedByEachRule) {
  const auto fault = [](auto change) {
    PairAlignment pair = good_pair();
    change(pair);
    return fault_of(pair);
  };
  EXPECT_EQ(fault([](auto&) {}), AlignmentFault::none);
  EXPECT_EQ(fault([](auto& p) { p.matches = p.inliers = 3; }), AlignmentFault::few_matches);
  EXPECT_EQ(fault([](auto& p) { p.inliers = 25; }), AlignmentFault::none);
  EXPECT_EQ(fault([](auto& p) { p.inliers = 24; }), AlignmentFault::few_inliers);
  EXPECT_EQ(fault([](auto& p) { p.matches = 200; }), AlignmentFault::none);
  EXPECT_EQ(fault([](auto& p) { p.matches = 201; }), AlignmentFault::low_share);
  EXPECT_EQ(fault([](auto& p) { p.map = {0.7, 0, 0, 0, 0.7, 0, 0, 0, 1}; }),
            AlignmentFault::shrinks);
  EXPECT_EQ(fault([](auto& p) { p.map = {-1, 0, 199, 0, 1, 0, 0, 0, 1}; }),
            AlignmentFault::shrinks);
  const double most = 0.25 * std::hypot(100, 200);
  EXPECT_EQ(fault([&](auto& p) { p.map = {1, 0, most - 0.1, 0, 1, 0, 0, 0, 1}; }),
            AlignmentFault::none);
  EXPECT_EQ(fault([&](auto& p) { p.map = {1, 0, most + 0.1, 0, 1, 0, 0, 0, 1}; }),
            AlignmentFault::moves_far);
  // Its horizon crosses the picture: the right corner stays where it is, behind the camera.
  EXPECT_EQ(fault([](auto& p) {
              p.height = 1;
              p.map = {-1, 0, 0, 0, -1, 0, -2.0 / 199, 0, 1};
            }),
            AlignmentFault::moves_far);
  EXPECT_EQ(fault([](auto& p) { p.map[1] = std::nan(""); }), AlignmentFault::shrinks);
}

TEST(PairAlignment, TrustsASmallErrorMoreAndNoneMoreThanAHalf) {
  PairAlignment pair = good_pair();
  pair.sigma = 2;
  EXPECT_NEAR(pair.confidence(), 1 - std::exp(-0.125), 1e-12);
  pair.sigma = kLeastSigma;
  EXPECT_EQ(pair.confidence(), 0.5);
  pair.sigma = 2, pair.fault = AlignmentFault::low_share;
  EXPECT_EQ(pair.confidence(), 0.5);
}

TEST(PairAlignments, HostileFilesAreDataErrorsThatNameThePlace) {
  const test::TempFolder folder;
  const auto refusal = [&](const std::string& text) {
    const auto path = folder.write("pairs", text);
    return message_of<DataError>([&] { (void)read_pair_alignments(path); });
  };
  const std::string head = R"({"format": "dusk-pair-alignments", "version": 1, "pairs": )";
  const std::string sizes = R"({"night": "n", "day": "d", "height": 100, "width": 200, )";
  const auto pair = [&](const std::string& rest) {
    return refusal(head + "[" + sizes + rest + "}]}");
  };
  const std::string counts = R"("matches": 60, "inliers": 40, "fault": "none", )";
  expect_contains(refusal("{\"a\": 1}"), "pairs: not a file of alignments");
  expect_contains(refusal("[1"), "pairs: not valid JSON");
  expect_contains(refusal(head + "7}"), "'pairs' is not a list");
  expect_contains(refusal(head + "[7]}"), "pair 0: not an object");
  expect_contains(pair(R"("matches": 60)"), "pair 0: it has no 'inliers'");
  expect_contains(pair(R"("matches": 6e1, "inliers": 40)"), "'matches' is not a whole number");
  expect_contains(pair(R"("matches": 18446744073709551615, "inliers": 40)"), "'matches'");
  expect_contains(pair(R"("matches": 6, "inliers": 4, "fault": "x")"), "'x', which is none");
  expect_contains(pair(counts + R"("sigma": 1)"), "it has no 'homography'");
  expect_contains(pair(counts + R"("homography": [1, 0], "sigma": 1)"), "not 9 numbers");
  expect_contains(pair(counts + R"("homography": [1,0,0,0,1,0,0,0,2], "sigma": 1)"), "not 1");
  expect_contains(pair(counts + R"("homography": [1,0,0,0,1,0,0,"0",1], "sigma": 1)"),
                  "not a finite number");
  expect_contains(pair(counts + R"("homography": [1,0,90,0,1,0,0,0,1], "sigma": 1)"),
                  "must be refused: moves a corner far");
  expect_contains(pair(counts + R"("homography": [1,0,0,0,1,0,0,0,1], "sigma": 0)"), "sigma is 0");
  expect_contains(pair(R"("matches": 30, "inliers": 40, "fault": "none",
                           "homography": [1,0,0,0,1,0,0,0,1], "sigma": 1)"),
                  "40 inliers of 30 matches");
  const std::string twice = sizes + R"("matches": 0, "inliers": 0, "fault": "few matches"})";
  expect_contains(refusal(head + "[" + twice + "," + twice + "]}"), "'n' is listed twice");
  EXPECT_THROW((void)read_pair_alignments(folder / "absent"), StorageError);
}

}  // namespace
}  // namespace dusk
