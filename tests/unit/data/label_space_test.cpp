#include "dusk/data/label_space.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

/// The table of the benchmark as pairs (labelId, trainId), written down a second time.
constexpr std::array<std::pair<int, int>, 19> kCityscapes = {{{7, 0},
                                                              {8, 1},
                                                              {11, 2},
                                                              {12, 3},
                                                              {13, 4},
                                                              {17, 5},
                                                              {19, 6},
                                                              {20, 7},
                                                              {21, 8},
                                                              {22, 9},
                                                              {23, 10},
                                                              {24, 11},
                                                              {25, 12},
                                                              {26, 13},
                                                              {27, 14},
                                                              {28, 15},
                                                              {31, 16},
                                                              {32, 17},
                                                              {33, 18}}};

TEST(LabelSpace, MapsEveryCityscapesLabel) {
  std::array<int, 256> expected;
  expected.fill(255);
  for (const auto& [label, train] : kCityscapes) expected[static_cast<std::size_t>(label)] = train;
  const LabelMap map = label_ids_to_train_ids(label_space("cityscapes19"));
  for (std::size_t value = 0; value < 256; ++value) EXPECT_EQ(map[value], expected[value]) << value;
}

TEST(LabelSpace, AppliesAMapInOnePass) {
  // In place and value after value, road would become 0 and then 255.
  std::vector<std::uint8_t> labels(256);
  std::iota(labels.begin(), labels.end(), std::uint8_t{0});
  const LabelMap map = label_ids_to_train_ids(label_space("cityscapes19"));
  map_labels(map, labels);
  EXPECT_EQ(labels[7], 0);
  EXPECT_EQ(labels[0], 255);
  EXPECT_EQ(labels[11], 2);
  EXPECT_EQ(labels[8], 1);
}

TEST(LabelSpace, MapsBackForTheBenchmarkServers) {
  for (const char* name : {"cityscapes19", "camvid11"}) {
    const LabelSpace& space = label_space(name);
    const LabelMap there = train_ids_to_label_ids(space);
    const LabelMap back = label_ids_to_train_ids(space);
    for (int k = 0; k < space.size(); ++k) EXPECT_EQ(back[there[static_cast<std::size_t>(k)]], k);
    EXPECT_EQ(there[255], 0);
  }
}

TEST(LabelSpace, CamVidClassesCarryTheirCityscapesClass) {
  // The table of the data set's README: Cityscapes train id of each index.
  const std::vector<int> expected = {10, 2, 5, 0, 1, 8, 7, 4, 13, 11, 12};
  const LabelSpace& camvid = label_space("camvid11");
  const LabelSpace& cityscapes = label_space("cityscapes19");
  ASSERT_EQ(camvid.size(), 11);
  for (std::size_t k = 0; k < expected.size(); ++k) {
    EXPECT_EQ(camvid.classes[k].cityscapes_train_id, expected[k]);
    EXPECT_EQ(camvid.classes[k].cityscapes_id,
              cityscapes.classes[static_cast<std::size_t>(expected[k])].cityscapes_id);
  }
  EXPECT_EQ(camvid.classes[3].name, "road");
  EXPECT_EQ(camvid.classes[10].name, "bicyclist");
}

TEST(LabelSpace, NamesAndColoursAreDistinct) {
  for (const char* name : {"cityscapes19", "camvid11"}) {
    std::set<std::string> names;
    std::set<std::array<std::uint8_t, 3>> colors;
    for (const ClassInfo& info : label_space(name).classes) {
      names.insert(info.name);
      colors.insert(info.color);
    }
    EXPECT_EQ(names.size(), label_space(name).classes.size());
    EXPECT_EQ(colors.size(), label_space(name).classes.size());
  }
}

TEST(LabelSpace, RefusesWhatItDoesNotKnow) {
  try {
    static_cast<void>(label_space("cityscapes"));
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("cityscapes19, camvid11"), std::string::npos);
  }
  LabelSpace twice{"twice", {{"a", {}, 7, 0}, {"b", {}, 7, 0}}};
  EXPECT_THROW(static_cast<void>(label_ids_to_train_ids(twice)), ConfigError);
}

}  // namespace
}  // namespace dusk
