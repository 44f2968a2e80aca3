#include "launch/map_set.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <memory>
#include <set>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/comm/in_process.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"
#include "unit/data/memory_source.hpp"

namespace dusk::launch {
namespace {

namespace fs = std::filesystem;
using test::expect_contains;
using test::message_of;
using test::TempFolder;

/// Labels each pixel with its row and is as certain as its column says; refuses a sample if told.
class RowMap final : public PictureMap {
 public:
  explicit RowMap(std::string bad = "") : bad_(std::move(bad)) {}

  std::vector<MappedPicture> map(const StreamBatch& batch, const Dataset& input) override {
    std::vector<MappedPicture> pictures;
    for (const SampleRef& ref : batch.refs) {
      SampleInfo info = input.info(ref.index);
      info.has_image = false;
      info.has_label = info.has_confidence = true;
      const at::Tensor y = torch::arange(info.height).view({-1, 1}).expand({-1, info.width});
      const at::Tensor x = torch::arange(info.width).expand({info.height, -1});
      pictures.push_back({.info = std::move(info),
                          .label = y.remainder(3).to(torch::kUInt8).contiguous(),
                          .confidence = x.to(torch::kUInt8).contiguous()});
      ++mapped;
    }
    return pictures;
  }
  void finish(MappedPicture& picture) override {
    if (picture.info.name == bad_) fail<DataError>("no room for {}", bad_);
  }

  int mapped = 0;

 private:
  std::string bad_;
};

SetPlan plan_of(int samples, const fs::path& output) {
  auto infos = test::equal_samples(samples, 20, 24);
  infos.back().height = 17;
  SetPlan plan{.input = Dataset("memory", std::make_shared<test::MemorySource>(infos)),
               .output = output,
               .labels = {.space = "toy3", .classes = {"a", "b", "c"}},
               .layout = {.samples_per_shard = 3, .tile = 16},
               .provenance = {}};
  plan.provenance = [input = plan.input](std::size_t shard) {
    return fmt::format("shard {} of {}", shard, input.size());
  };
  return plan;
}

constexpr int kSamples = 11;  // four shards, the last of two

std::vector<FinishedShard> map_all(const SetPlan& plan, PictureMap& map, WorkQueue& queue,
                                   const MapProgress& progress = {}) {
  return map_shards(plan, map, queue, Device::cpu(), {.batch = 2, .threads = 2}, progress);
}

/// Makes the set on ranks that are threads of this process.
void make_set(const SetPlan& plan, int ranks) {
  const auto queue = make_local_work_queue(static_cast<std::int64_t>(plan.shard_count()));
  run_in_process(ranks, [&](Communicator& control) {
    RowMap map;
    publish_together(plan, map_all(plan, map, *queue), std::nullopt, control);
  });
}

std::string bytes_of(const fs::path& folder) {
  std::string all;
  for (const char* name :
       {"shard-00000.h5", "shard-00001.h5", "shard-00002.h5", "shard-00003.h5", "manifest.json"})
    all += read_text(folder / name);
  return all;
}

TEST(MapSet, BytesDoNotDependOnTheRanks) {
  const TempFolder folder;
  make_set(plan_of(kSamples, folder / "one"), 1);
  make_set(plan_of(kSamples, folder / "three"), 3);
  EXPECT_EQ(bytes_of(folder / "three"), bytes_of(folder / "one"));
  const ShardSet set = ShardSet::open(folder / "one");
  ASSERT_EQ(set.size(), 11U);
  EXPECT_EQ(set.info(10).name, "s10");
  set.verify();
  std::vector<std::uint8_t> label(17 * 24);
  set.read(Field::label, 10, whole(set.info(10)), label);
  EXPECT_EQ(label[5 * 24 + 7], 2);
}

TEST(MapSet, WhatIsFinishedIsKept) {
  const TempFolder folder;
  make_set(plan_of(kSamples, folder / "whole"), 1);
  const SetPlan plan = plan_of(kSamples, folder / "part");
  make_directories(plan.output);
  for (const std::size_t shard : {0U, 2U})
    fs::copy_file(folder / "whole" / shard_file_name(shard), plan.path(shard));
  fs::copy_file(plan.path(0), plan.path(3));  // of another origin
  RowMap map;
  std::vector<std::uint64_t> positions, kept;
  const auto queue = make_local_work_queue(4);
  const auto made = map_all(plan, map, *queue, [&](std::uint64_t position, std::uint64_t there) {
    positions.push_back(position);
    kept.push_back(there);
  });
  EXPECT_EQ(map.mapped, 5);  // shards 1 and 3
  // 0 is there; 1: 2 and 1 pictures, 2 is found to be there before its last batch; 3.
  EXPECT_EQ(positions, (std::vector<std::uint64_t>{3, 5, 9, 6, 10, 11}));
  EXPECT_EQ(kept, (std::vector<std::uint64_t>{3, 0, 3, 0, 0, 0}));
  run_in_process(
      1, [&](Communicator& control) { publish_together(plan, made, std::nullopt, control); });
  EXPECT_EQ(bytes_of(folder / "part"), bytes_of(folder / "whole"));
}

TEST(MapSet, APublishedSetIsNotChanged) {
  const TempFolder folder;
  SetPlan plan = plan_of(kSamples, folder / "set");
  make_set(plan, 1);
  plan.provenance = [](std::size_t) { return "something else"; };
  RowMap map;
  const auto queue = make_local_work_queue(4);
  expect_contains(message_of<ConfigError>([&] { (void)map_all(plan, map, *queue); }),
                  "already holds a set whose shard-00000.h5 was made from other pictures");
}

TEST(MapSet, AnErrorOfAnyPartEndsTheWork) {
  const TempFolder folder;
  for (const char* bad : {"s0", "s4", "s10"}) {
    RowMap map(bad);
    const auto queue = make_local_work_queue(4);
    const SetPlan plan = plan_of(kSamples, folder / bad);
    expect_contains(message_of<DataError>([&] { (void)map_all(plan, map, *queue); }),
                    std::string("no room for ") + bad);
    EXPECT_FALSE(fs::exists(plan.output / "manifest.json"));
  }
}

TEST(MapSet, TheEstimateCountsWhatIsMissing) {
  const TempFolder folder;
  const SetPlan plan = plan_of(kSamples, folder / "set");
  RowMap map;
  MapEstimate found = estimate(plan, map, Device::cpu(), {.batch = 2});
  EXPECT_EQ(found.pictures, 11U);
  EXPECT_GT(found.bytes_per_picture, 0);
  make_set(plan, 1);
  fs::remove(plan.path(1));
  EXPECT_EQ(estimate(plan, map, Device::cpu(), {.batch = 2}).pictures, 3U);
  EXPECT_EQ(to_string({.seconds_per_picture = 0.5, .bytes_per_picture = 1024, .pictures = 80}, 2),
            "80 pictures: about 20.0 s on 2 rank(s) and 80.0 KiB");
}

}  // namespace
}  // namespace dusk::launch
