#include <gtest/gtest.h>

#include <filesystem>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/io/shard.hpp"
#include "support/temp_folder.hpp"
#include "unit/io/sample_pictures.hpp"

/// Every byte of a tiny shard with all fields, changed in two ways, one at a time. The unit test of
/// damaged shards does the same for some of them in a fraction of the time.
namespace dusk {
namespace {

class FlipEveryByte : public testing::TestWithParam<unsigned char> {
 protected:
  FlipEveryByte() {
    pictures_ = {test::with_all_fields(test::make_picture("anna", 20, 24)),
                 test::make_picture("bert", 17, 16, false)};
    ShardSetWriter writer(folder_ / "set", {.shard = {.tile = 16, .level = 3}},
                          test::four_classes());
    for (const test::Picture& picture : pictures_) writer.add(picture.data());
    writer.finish();
    good_ = read_text(shard_);
  }

  /// What a training run would read: a wrong sample is the one thing that must not happen.
  void expect_no_wrong_sample(std::size_t at) const {
    try {
      const ShardReader reader(shard_);
      ASSERT_EQ(reader.size(), pictures_.size()) << "byte " << at;
      EXPECT_EQ(reader.labels().classes, test::four_classes().classes) << "byte " << at;
      for (std::size_t i = 0; i < reader.size(); ++i) {
        try {
          EXPECT_TRUE(test::is_same(reader, i, pictures_[i])) << "byte " << at;
        } catch (const DataError& error) {
          EXPECT_NE(std::string(error.what()).find(pictures_[i].info.name), std::string::npos)
              << error.what();
        }
      }
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find("shard-00000.h5"), std::string::npos)
          << error.what();
    }
  }

  /// `dusk shards verify` finds it wherever it is, and says in which file.
  void expect_found(std::size_t at) const {
    try {
      ShardSet::open(folder_ / "set").verify();
      ADD_FAILURE() << "byte " << at << " of " << good_.size() << " was not found";
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find("shard-00000.h5"), std::string::npos)
          << error.what();
    }
  }

  test::TempFolder folder_;
  std::filesystem::path shard_ = folder_ / "set/shard-00000.h5";
  std::vector<test::Picture> pictures_;
  std::string good_;
};

TEST_P(FlipEveryByte, IsFoundAndNamedAndNeverAWrongSample) {
  expect_no_wrong_sample(good_.size());
  ShardSet::open(folder_ / "set").verify();
  for (std::size_t at = 0; at < good_.size(); ++at) {
    std::string bytes = good_;
    bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ GetParam());
    (void)folder_.write("set/shard-00000.h5", bytes);
    expect_no_wrong_sample(at);
    expect_found(at);
    if (HasFailure()) return;
  }
  RecordProperty("bytes", static_cast<int>(good_.size()));
}

INSTANTIATE_TEST_SUITE_P(Masks, FlipEveryByte, testing::Values(0x01, 0xff));

}  // namespace
}  // namespace dusk
