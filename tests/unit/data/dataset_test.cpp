#include "dusk/data/dataset.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"
#include "unit/data/memory_source.hpp"

namespace dusk {
namespace {

/// Six samples: train day, train day, train dusk, val day, val dusk, test dusk.
std::vector<SampleInfo> mixed_samples() {
  auto infos = test::equal_samples(6, 4, 5);
  const char* roles[] = {"train", "train", "train", "val", "val", "test"};
  const char* times[] = {"day", "day", "dusk", "day", "dusk", "dusk"};
  for (std::size_t i = 0; i < infos.size(); ++i) {
    infos[i].role = roles[i];
    infos[i].time_of_day = times[i];
    infos[i].sequence = i % 2 == 0 ? "even" : "odd";
  }
  return infos;
}

std::string names_in(const Dataset& dataset) {
  std::string names;
  for (std::uint64_t i = 0; i < dataset.size(); ++i) names += dataset.info(i).name;
  return names;
}

TEST(Dataset, FiltersChooseInTheSourcesOrder) {
  const auto source = std::make_shared<test::MemorySource>(mixed_samples());
  EXPECT_EQ(names_in(Dataset("d", source)), "s0s1s2s3s4s5");
  EXPECT_EQ(names_in(Dataset("d", source, {.roles = {"train"}})), "s0s1s2");
  EXPECT_EQ(names_in(Dataset("d", source, {.times_of_day = {"dusk"}})), "s2s4s5");
  EXPECT_EQ(names_in(Dataset("d", source, {.roles = {"val", "test"}, .times_of_day = {"dusk"}})),
            "s4s5");
  EXPECT_EQ(names_in(Dataset("d", source, {.roles = {"train"}, .sequences = {"odd"}})), "s1");
}

TEST(Dataset, ReadsTheSampleThatTheFilterChose) {
  const auto source = std::make_shared<test::MemorySource>(mixed_samples());
  const Dataset dusk("d", source, {.times_of_day = {"dusk"}});
  std::vector<std::uint8_t> pixel(3);
  dusk.read(Field::image, 1, {2, 3, 1, 1}, pixel);
  EXPECT_EQ(pixel, (std::vector<std::uint8_t>{2, 3, 4}));  // y, x, sample 4 of the source
}

TEST(Dataset, JoinedSetsStandOneBehindTheOther) {
  const auto source = std::make_shared<test::MemorySource>(mixed_samples());
  const Dataset dusk("dusk", source, {.times_of_day = {"dusk"}});
  const Dataset joined = Dataset::joined({dusk, Dataset("val", source, {.roles = {"val"}}), dusk});
  EXPECT_EQ(names_in(joined), "s2s4s5s3s4s2s4s5");
  EXPECT_EQ(joined.name(), "dusk + val + dusk");
  EXPECT_EQ(joined.parts(), (std::vector<std::uint64_t>{3, 2, 3}));
  std::vector<std::uint8_t> pixel(3);
  joined.read(Field::image, 3, {2, 3, 1, 1}, pixel);
  EXPECT_EQ(pixel, (std::vector<std::uint8_t>{2, 3, 3}));
  joined.read(Field::image, 7, {2, 3, 1, 1}, pixel);
  EXPECT_EQ(pixel, (std::vector<std::uint8_t>{2, 3, 5}));
  const auto other = std::make_shared<test::MemorySource>(mixed_samples(), "cityscapes19");
  EXPECT_EQ(test::message_of<DataError>([&] {
              (void)Dataset::joined({dusk, Dataset("other", other)});
            }),
            "dusk has labels of 'camvid11' and other of 'cityscapes19': they cannot be one data "
            "set");
}

TEST(Dataset, ListsChooseByName) {
  const test::TempFolder folder;
  const auto source = std::make_shared<test::MemorySource>(mixed_samples());
  const auto list = folder.write("list", "s4\ns0\ns3\n");
  EXPECT_EQ(names_in(Dataset("d", source, {.list = list})), "s0s3s4");
  EXPECT_EQ(names_in(Dataset("d", source, {.roles = {"val"}, .list = list})), "s3s4");
  const auto other = folder.write("other", "s4\nnight/x\nnight/y\n");
  const std::string message =
      test::message_of<DataError>([&] { Dataset("streets", source, {.list = other}); });
  test::expect_contains(message, "other: 2 of the 3 samples that it chooses are not in streets");
  test::expect_contains(message, "'night/x'");
}

TEST(Dataset, SaysWhatThereIsWhenNothingPasses) {
  const auto source = std::make_shared<test::MemorySource>(mixed_samples());
  try {
    const Dataset night("streets", source, {.times_of_day = {"night"}});
    FAIL() << "no error";
  } catch (const DataError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("streets"), std::string::npos) << message;
    EXPECT_NE(message.find("night"), std::string::npos) << message;
    EXPECT_NE(message.find("\"day\", \"dusk\""), std::string::npos) << message;
  }
}

TEST(Dataset, SubsetsAndPartsFollowTheFilter) {
  const auto source = std::make_shared<test::MemorySource>(mixed_samples());
  source->shards = {1, 3, 0, 2};
  const Dataset all("d", source);
  const Dataset dusk("d", source, {.times_of_day = {"dusk"}});  // 2, 4, 5
  using Numbers = std::vector<std::uint64_t>;
  EXPECT_EQ(all.parts(), (Numbers{1, 3, 0, 2}));
  EXPECT_EQ(dusk.parts(), (Numbers{0, 1, 0, 2}));
  const Dataset ends = dusk.subset(Numbers{0, 2});
  EXPECT_EQ(names_in(ends), "s2s5");
  EXPECT_EQ(ends.parts(), (Numbers{0, 1, 0, 1}));
  EXPECT_EQ(names_in(ends.unfiltered()), "s0s1s2s3s4s5");
  EXPECT_THROW(static_cast<void>(dusk.subset(Numbers{3})), InternalError);
}

TEST(Dataset, OpensShards) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "dusk_dataset_test";
  std::filesystem::remove_all(folder);
  const test::MemorySource pictures(mixed_samples());
  ShardSetOptions options;
  options.shard.tile = 16;
  options.samples_per_shard = 4;
  ShardSetWriter writer(folder, options,
                        {.space = "camvid11", .classes = std::vector<std::string>(11, "class")});
  for (std::uint64_t i = 0; i < pictures.size(); ++i) {
    const SampleInfo& info = pictures.info(i);
    std::vector<std::uint8_t> image(4 * 5 * 3), label(4 * 5);
    pictures.read(Field::image, i, whole(info), image);
    pictures.read(Field::label, i, whole(info), label);
    writer.add({info, image, label});
  }
  writer.finish();

  const Dataset dusk = Dataset::open(folder, {.times_of_day = {"dusk"}});
  EXPECT_EQ(dusk.parts(), (std::vector<std::uint64_t>{1, 2}));  // of shards with 4 and 2 samples
  std::vector<std::uint32_t> counted(11, 0);
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 5; ++x) ++counted[static_cast<std::size_t>((y + 2 * x + 4) % 11)];
  const auto stored = dusk.class_pixels(1);  // sample 4 of the set
  EXPECT_EQ(std::vector<std::uint32_t>(stored.begin(), stored.end()), counted);
  EXPECT_EQ(names_in(dusk), "s2s4s5");
  EXPECT_EQ(dusk.label_space(), "camvid11");
  std::vector<std::uint8_t> pixel(3), label(1);
  dusk.read(Field::image, 2, {3, 1, 1, 1}, pixel);
  dusk.read(Field::label, 2, {3, 1, 1, 1}, label);
  EXPECT_EQ(pixel, (std::vector<std::uint8_t>{3, 1, 5}));
  EXPECT_EQ(label[0], (3 + 2 * 1 + 5) % 11);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace dusk
