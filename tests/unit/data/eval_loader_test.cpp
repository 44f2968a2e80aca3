#include "dusk/data/eval_loader.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "dusk/device/device.hpp"
#include "unit/data/memory_source.hpp"

namespace dusk {
namespace {

using test::MemorySource;

/// Seven pictures: sizes A A B B B A A.
std::shared_ptr<MemorySource> pictures() {
  auto infos = test::equal_samples(7, 10, 12);
  for (const std::size_t i : {2U, 3U, 4U}) {
    infos[i].height = 8;
    infos[i].width = 9;
  }
  return std::make_shared<MemorySource>(infos);
}

std::vector<StreamBatch> all_of(EvalLoader& loader) {
  std::vector<StreamBatch> batches;
  while (auto batch = loader.next()) batches.push_back(std::move(*batch));
  return batches;
}

std::string names_of(const std::vector<StreamBatch>& batches) {
  std::string text;
  for (const StreamBatch& batch : batches) {
    for (const std::string& name : batch.names) text += name;
    text += " ";
  }
  return text;
}

TEST(EvalLoader, BatchesNeighboursOfOneSize) {
  const Dataset dataset("memory", pictures());
  const auto names = [&](int batch) {
    EvalLoader loader(dataset, 0, 1, Device::cpu(), {.batch = batch, .threads = 2});
    return names_of(all_of(loader));
  };
  EXPECT_EQ(names(1), "s0 s1 s2 s3 s4 s5 s6 ");
  EXPECT_EQ(names(2), "s0s1 s2s3 s4 s5s6 ");
  EXPECT_EQ(names(9), "s0s1 s2s3s4 s5s6 ");
}

/// Spec B.5.1: 1920 x 1080 at short side 512 is 910 x 512; here 10 x 12 and 8 x 9 at 4.
TEST(EvalLoader, PicturesAreResizedToAShortSide) {
  const Dataset dataset("memory", pictures());
  EvalLoader loader(dataset, 0, 1, Device::cpu(), {.batch = 3, .short_side = 4});
  const auto batches = all_of(loader);
  EXPECT_EQ(batches[0].images.sizes(), (at::IntArrayRef{2, 3, 4, 4}));  // 4.8 columns
  EXPECT_EQ(batches[1].images.sizes(), (at::IntArrayRef{3, 3, 4, 4}));  // 4.5
  EXPECT_EQ(batches[1].labels.sizes(), (at::IntArrayRef{3, 4, 4}));
  EvalLoader same(dataset.subset(std::vector<std::uint64_t>{0}), 0, 1, Device::cpu(),
                  {.short_side = 10});
  EvalLoader plain(dataset.subset(std::vector<std::uint64_t>{0}), 0, 1, Device::cpu(), {});
  EXPECT_TRUE(at::equal(same.next()->images, plain.next()->images));
}

TEST(EvalLoader, PicturesAreWholeAndUnchanged) {
  const Dataset dataset("memory", pictures());
  for (const bool channels_last : {true, false}) {
    EvalLoader loader(dataset, 0, 1, Device::cpu(), {.batch = 3, .channels_last = channels_last});
    std::int64_t index = 0;
    for (const StreamBatch& batch : all_of(loader)) {
      for (std::int64_t i = 0; i < batch.images.size(0); ++i, ++index) {
        const SampleInfo& info = dataset.info(static_cast<std::uint64_t>(index));
        ASSERT_EQ(batch.images.size(2), info.height);
        ASSERT_EQ(batch.images.size(3), info.width);
        EXPECT_EQ(batch.refs[static_cast<std::size_t>(i)].index, static_cast<std::uint64_t>(index));
        const auto mean = at::tensor({0.485, 0.456, 0.406}).reshape({3, 1, 1});
        const auto deviation = at::tensor({0.229, 0.224, 0.225}).reshape({3, 1, 1});
        const auto levels = ((batch.images[i] * deviation + mean) * 255).round().to(at::kInt);
        const auto pixel = levels.accessor<int, 3>();
        const at::Tensor labels = batch.labels[i];
        const auto label = labels.accessor<std::int64_t, 2>();
        for (int y = 0; y < info.height; ++y)
          for (int x = 0; x < info.width; ++x) {
            ASSERT_EQ(pixel[0][y][x], y);
            ASSERT_EQ(pixel[1][y][x], x);
            ASSERT_EQ(pixel[2][y][x], index);
            ASSERT_EQ(label[y][x], (y + 2 * x + index) % 11);
          }
      }
    }
    EXPECT_EQ(index, 7);
  }
}

TEST(EvalLoader, RanksShareWithoutPadding) {
  const Dataset dataset("memory", pictures());
  for (int size = 1; size <= 10; ++size) {
    std::string names;
    std::uint64_t sum = 0;
    for (int rank = 0; rank < size; ++rank) {
      EvalLoader loader(dataset, rank, size, Device::cpu(), {});
      sum += loader.size();
      const auto batches = all_of(loader);
      EXPECT_EQ(batches.size(), loader.size());
      EXPECT_LE(batches.size(),
                (7U + static_cast<unsigned>(size) - 1) / static_cast<unsigned>(size));
      names += names_of(batches);
    }
    EXPECT_EQ(sum, 7U);
    EXPECT_EQ(names, "s0 s1 s2 s3 s4 s5 s6 ") << size << " ranks";
  }
}

TEST(EvalLoader, RewindsFromAnywhere) {
  EvalLoader loader(Dataset("memory", pictures()), 0, 1, Device::cpu(), {.batch = 2});
  const std::string once = names_of(all_of(loader));
  EXPECT_FALSE(loader.next().has_value());
  loader.rewind();
  EXPECT_EQ(names_of(all_of(loader)), once);
  loader.rewind();
  static_cast<void>(loader.next());
  loader.rewind();
  EXPECT_EQ(names_of(all_of(loader)), once);
}

TEST(EvalLoader, WithoutLabelsReadsNone) {
  const auto source = pictures();
  EvalLoader loader(Dataset("memory", source), 0, 1, Device::cpu(), {.labels = false});
  for (const StreamBatch& batch : all_of(loader)) EXPECT_FALSE(batch.labels.defined());
  EXPECT_EQ(source->labels_read.load(), 0);
}

TEST(EvalLoader, DamageIsNamed) {
  const auto source = pictures();
  source->damaged = {3};
  EvalLoader loader(Dataset("streets", source), 0, 1, Device::cpu(), {.batch = 4});
  static_cast<void>(loader.next());
  try {
    static_cast<void>(loader.next());
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("'s3'"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("streets"), std::string::npos) << error.what();
  }
}

TEST(EvalLoader, RefusesOptionsWithoutSense) {
  const Dataset dataset("memory", pictures());
  EXPECT_THROW(EvalLoader(dataset, 0, 1, Device::cpu(), {.batch = 0}), ConfigError);
  EXPECT_THROW(EvalLoader(dataset, 2, 2, Device::cpu(), {}), InternalError);
}

}  // namespace
}  // namespace dusk
