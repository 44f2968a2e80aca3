#include "dusk/data/views.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "dusk/base/error.hpp"
#include "unit/data/memory_source.hpp"

namespace dusk {
namespace {

/// Night 0..3 with day 4..6 as pairs (3 has none); 0 -> 1 -> 2 -> 3 is a video.
std::vector<SampleInfo> places() {
  auto infos = test::equal_samples(7, 20, 30);
  for (std::size_t i = 0; i < 7; ++i) infos[i].time_of_day = i < 4 ? "night" : "day";
  infos[0].pair = "s6";
  infos[1].pair = "s4";
  infos[2].pair = "s6";
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) infos[i].previous = "s" + std::to_string(i - 1);
    if (i < 3) infos[i].next = "s" + std::to_string(i + 1);
  }
  return infos;
}

Dataset night(std::vector<SampleInfo> infos = places()) {
  return {"d", std::make_shared<test::MemorySource>(std::move(infos)), {.times_of_day = {"night"}}};
}

/// "s0:s6 s1:s4": samples and their partners.
std::string partners(const ViewedDataset& viewed, std::size_t view) {
  std::string text;
  for (std::uint64_t i = 0; i < viewed.dataset.size(); ++i)
    text += (i > 0 ? " " : "") + viewed.dataset.info(i).name + ":" +
            viewed.views[view].dataset.info(viewed.views[view].partners->at(i)).name;
  return text;
}

TEST(Views, PairsReachBeyondTheFilter) {
  const ViewedDataset viewed = with_views(night(), {.pair = true});
  ASSERT_EQ(viewed.views.size(), 1U);
  EXPECT_EQ(viewed.views[0].name, "reference");
  EXPECT_FALSE(viewed.views[0].own_geometry);
  EXPECT_EQ(partners(viewed, 0), "s0:s6 s1:s4 s2:s6");
  EXPECT_EQ(viewed.left_out, 1U);  // s3
}

TEST(Views, FramesAreNeighboursInTheVideo) {
  const ViewedDataset viewed = with_views(night(), {.frames = {-1, 0, 1}});
  ASSERT_EQ(viewed.views.size(), 2U);
  EXPECT_EQ(viewed.views[0].name, "frame-1");
  EXPECT_EQ(viewed.views[1].name, "frame+1");
  EXPECT_EQ(partners(viewed, 0), "s1:s0 s2:s1");
  EXPECT_EQ(partners(viewed, 1), "s1:s2 s2:s3");
  EXPECT_EQ(viewed.left_out, 2U);
  EXPECT_EQ(partners(with_views(night(), {.frames = {2}}), 0), "s0:s2 s1:s3");
}

TEST(Views, PairsAndFramesAreNeededTogether) {
  const ViewedDataset viewed =
      with_views(night(), {.pair = true, .pair_geometry = ViewGeometry::own, .frames = {1}});
  ASSERT_EQ(viewed.views.size(), 2U);
  EXPECT_TRUE(viewed.views[0].own_geometry);
  EXPECT_FALSE(viewed.views[1].own_geometry);
  EXPECT_EQ(partners(viewed, 0), "s0:s6 s1:s4 s2:s6");
  EXPECT_EQ(partners(viewed, 1), "s0:s1 s1:s2 s2:s3");
}

TEST(Views, APartnerThatIsNotInTheSetIsLeftOut) {
  auto infos = places();
  infos[1].pair = "elsewhere";
  const ViewedDataset viewed = with_views(night(infos), {.pair = true});
  EXPECT_EQ(partners(viewed, 0), "s0:s6 s2:s6");
  EXPECT_EQ(viewed.left_out, 2U);
}

TEST(Views, WithoutOptionsNothingChanges) {
  const ViewedDataset viewed = with_views(night(), {});
  EXPECT_EQ(viewed.dataset.size(), 4U);
  EXPECT_TRUE(viewed.views.empty());
  EXPECT_EQ(viewed.left_out, 0U);
}

TEST(Views, SaysWhenNothingIsLeft) {
  const Dataset day("d", std::make_shared<test::MemorySource>(places()), {.times_of_day = {"day"}});
  EXPECT_THROW(static_cast<void>(with_views(day, {.pair = true})), DataError);
}

}  // namespace
}  // namespace dusk
