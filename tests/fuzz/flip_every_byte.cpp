#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/io/shard.hpp"
#include "support/expect_error.hpp"
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

  void flip(std::size_t at) const {
    std::fstream file(shard_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(static_cast<unsigned char>(good_[at]) ^ GetParam()));
    ASSERT_TRUE(file.flush());
  }
  void restore(std::size_t at) const {
    std::fstream file(shard_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(good_[at]);
    ASSERT_TRUE(file.flush());
  }

  /// What a training run would read: a wrong sample is the one thing that must not happen. An error
  /// names the sample.
  void expect_no_wrong_sample(const ShardReader& reader) const {
    ASSERT_EQ(reader.size(), pictures_.size());
    EXPECT_EQ(reader.labels().classes, test::four_classes().classes);
    for (std::size_t i = 0; i < reader.size(); ++i) {
      try {
        EXPECT_TRUE(test::is_same(reader, i, pictures_[i])) << "sample " << i;
      } catch (const DataError& error) {
        test::expect_contains(error.what(), "'" + pictures_[i].info.name + "'");
      }
    }
  }

  /// True where the damage is found, by opening or by `dusk shards verify`, and the file is named.
  [[nodiscard]] bool is_found() const {
    try {
      expect_no_wrong_sample(ShardReader(shard_));
      ShardSet::open(folder_ / "set").verify();
      return false;
    } catch (const DataError& error) {
      test::expect_contains(error.what(), "shard-00000.h5");
      return true;
    }
  }

  test::TempFolder folder_;
  std::filesystem::path shard_ = folder_ / "set/shard-00000.h5";
  std::vector<test::Picture> pictures_;
  std::string good_;
};

TEST_P(FlipEveryByte, IsFoundAndNamedAndNeverAWrongSample) {
  ASSERT_FALSE(is_found()) << "it is whole";
  for (std::size_t at = 0; at < good_.size(); ++at) {
    const testing::ScopedTrace trace(__FILE__, __LINE__, "byte " + std::to_string(at));
    flip(at);
    ASSERT_TRUE(is_found());
    ASSERT_FALSE(HasFailure());
    restore(at);
  }
  std::printf("each of %zu bytes was found\n", good_.size());
}

INSTANTIATE_TEST_SUITE_P(Masks, FlipEveryByte, testing::Values(0x01, 0xff));

}  // namespace
}  // namespace dusk
