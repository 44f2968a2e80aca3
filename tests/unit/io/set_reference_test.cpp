#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/io/shard.hpp"
#include "dusk/io/stage.hpp"
#include "sample_pictures.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;
using test::expect_contains;
using test::four_classes;
using test::is_same;
using test::make_picture;
using test::message_of;
using test::Picture;
using test::read_all;
using test::TempFolder;
using test::with_all_fields;

/// What is left of a picture without some of its fields.
Picture without(Picture picture, std::initializer_list<Field> fields) {
  for (const Field field : fields) {
    if (field == Field::image) picture.info.has_image = false, picture.image.clear();
    if (field == Field::label) picture.info.has_label = false, picture.label.clear();
    if (field == Field::depth) picture.info.has_depth = false, picture.depth.clear();
    if (field == Field::confidence) picture.info.has_confidence = false, picture.confidence.clear();
  }
  return picture;
}

ShardSummary write_shard(const fs::path& path, const std::vector<Picture>& pictures) {
  make_directories(path.parent_path());
  ShardWriter writer(path, {.tile = 16}, four_classes());
  for (const Picture& picture : pictures) writer.add(picture.data());
  return writer.finish();
}

/// Five pictures of two sizes in the set "all", and pictures or labels of some of them in sets that
/// take the rest from it.
class SetReferenceTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 5; ++i)
      pictures_.push_back(with_all_fields(make_picture("p" + std::to_string(i), 20 + i % 2, 24)));
    publish_set("all", pictures_, {});
  }

  void publish_set(const std::string& name, const std::vector<Picture>& pictures,
                   const std::optional<SetReference>& reference) {
    const ShardSummary shard = write_shard(folder_.path() / name / "shard-00000.h5", pictures);
    publish_manifest(folder_.path() / name, four_classes(), std::vector{shard}, reference);
  }

  /// A set of its own fields of some pictures, with `from_all` taken from "all".
  void publish_part(const std::string& name, std::initializer_list<std::size_t> samples,
                    std::vector<Field> from_all) {
    std::vector<Picture> own;
    for (const std::size_t i : samples) {
      Picture picture = pictures_[i];
      for (const Field field : from_all) picture = without(std::move(picture), {field});
      own.push_back(std::move(picture));
    }
    publish_set(name, own, refer_to(open("all"), folder_.path() / name, std::move(from_all)));
  }

  [[nodiscard]] ShardSet open(const std::string& name) const {
    return ShardSet::open(folder_.path() / name);
  }
  [[nodiscard]] std::string refusal(const std::string& name) const {
    return message_of<DataError>([&] { (void)open(name); });
  }

  TempFolder folder_;
  std::vector<Picture> pictures_;
};

TEST_F(SetReferenceTest, LabelsWithoutPicturesAreReadWithThem) {
  publish_part("labels", {1, 2, 4}, {Field::image, Field::depth});
  const ShardSet set = open("labels");
  ASSERT_EQ(set.size(), 3U);
  EXPECT_TRUE(is_same(set, 0, pictures_[1]));
  EXPECT_TRUE(is_same(set, 1, pictures_[2]));
  EXPECT_TRUE(is_same(set, 2, pictures_[4]));
  EXPECT_EQ(set.reference()->set, "../all");
  set.verify();

  const ShardReader shard(folder_.path() / "labels" / "shard-00000.h5");
  EXPECT_FALSE(shard.info(0).has_image);
  std::vector<std::uint8_t> out(static_cast<std::size_t>(shard.info(0).height) * 24 * 3);
  EXPECT_THROW(shard.read(Field::image, 0, whole(shard.info(0)), out), DataError);
}

TEST_F(SetReferenceTest, PicturesWithoutLabelsAreReadWithThem) {
  pictures_[3] = without(pictures_[3], {Field::label});
  publish_set("all", pictures_, {});
  publish_part("translated", {0, 1, 2, 3, 4}, {Field::label, Field::depth, Field::confidence});
  const ShardSet set = open("translated"), all = open("all");
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(is_same(set, i, pictures_[i])) << i;
    const auto found = set.class_pixels(i), expected = all.class_pixels(i);
    EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin(), expected.end())) << i;
  }
  EXPECT_FALSE(set.info(3).has_label);
}

TEST_F(SetReferenceTest, ReferencesFollowOneAnother) {
  publish_part("translated", {0, 1, 2, 3}, {Field::label, Field::depth, Field::confidence});
  publish_set("again", {without(pictures_[2], {Field::label, Field::depth, Field::confidence})},
              refer_to(open("translated"), folder_.path() / "again",
                       {Field::label, Field::depth, Field::confidence}));
  EXPECT_TRUE(is_same(open("again"), 0, pictures_[2]));
}

TEST_F(SetReferenceTest, AChangedSourceIsRefusedByName) {
  publish_part("labels", {0, 1}, {Field::image});
  const std::uint64_t before = open("labels").identity();
  publish_set("all", {pictures_[0], pictures_[1], without(pictures_[2], {Field::depth})}, {});
  const std::string message = refusal("labels");
  expect_contains(message, "labels: a part of each sample is in");
  expect_contains(message, "labels/../all, which is another set");
  publish_set("all", pictures_, {});
  EXPECT_EQ(open("labels").identity(), before);
  fs::remove_all(folder_.path() / "all");
  expect_contains(refusal("labels"), "all: no manifest.json there");
}

TEST_F(SetReferenceTest, BothMayMoveTogether) {
  publish_part("labels", {0, 3}, {Field::image});
  const std::uint64_t identity = open("labels").identity();
  fs::create_directory(folder_.path() / "elsewhere");
  for (const char* name : {"labels", "all"})
    fs::rename(folder_.path() / name, folder_.path() / "elsewhere" / name);
  const ShardSet moved = open("elsewhere/labels");
  EXPECT_TRUE(is_same(moved, 1, without(pictures_[3], {})));
  EXPECT_EQ(moved.identity(), identity);
}

TEST_F(SetReferenceTest, ACopyOnTheNodesDiskBringsBoth) {
  publish_part("labels", {1, 2}, {Field::image});
  const fs::path copy = stage_set(folder_.path() / "labels", folder_.path() / "disk");
  fs::remove_all(folder_.path() / "all");
  fs::remove_all(folder_.path() / "labels");
  EXPECT_TRUE(is_same(ShardSet::open(copy), 1, pictures_[2]));
}

TEST_F(SetReferenceTest, SamplesThatDoNotBelongTogetherAreNamed) {
  const auto labels = [](Picture picture) { return without(std::move(picture), {Field::image}); };
  const auto reference = refer_to(open("all"), folder_.path() / "x", {Field::image});
  publish_set("x", {labels(pictures_[0]), labels(make_picture("other", 8, 8))}, reference);
  expect_contains(refusal("x"), "sample 'other' is not in ");
  publish_set("x", {labels(pictures_[2]), labels(pictures_[1])}, reference);
  expect_contains(refusal("x"), "sample 'p1' is not in ");
  publish_set("x", {labels(make_picture("p1", 8, 8))}, reference);
  expect_contains(refusal("x"), "sample 'p1' has 8x8 pixels");
  publish_set("x", {pictures_[1]}, reference);
  expect_contains(refusal("x"), "sample 'p1' has its own image");
}

TEST_F(SetReferenceTest, AShardHoldsAllPicturesOrNone) {
  ShardWriter writer(folder_.path() / "mixed.h5", {.tile = 16}, four_classes());
  writer.add(without(pictures_[0], {Field::image}).data());
  expect_contains(message_of<DataError>([&] { writer.add(pictures_[1].data()); }),
                  "sample 'p1' has a picture, the samples before it");
}

TEST_F(SetReferenceTest, HostileReferencesAreDataErrors) {
  using nlohmann::json;
  publish_part("labels", {0, 1}, {Field::image});
  const fs::path path = folder_.path() / "labels" / "manifest.json";
  const std::string good = read_text(path);
  const auto refused = [&](const std::function<void(json&)>& change) {
    json manifest = json::parse(good);
    change(manifest);
    manifest.erase("checksum");
    manifest["checksum"] = to_hex(checksum64(std::string_view(manifest.dump())));
    publish(path, std::string_view(manifest.dump()));
    return refusal("labels");
  };
  expect_contains(refused([](json& m) { m["version"] = 1; }), "another version");
  expect_contains(refused([](json& m) { m.erase("reference"); }), "another version");
  expect_contains(refused([](json& m) { m["reference"] = 7; }), "not a JSON object");
  expect_contains(refused([](json& m) { m["reference"]["set"] = ""; }), "is not a path");
  expect_contains(refused([](json& m) { m["reference"]["set"] = std::string("a\0b", 3); }),
                  "is not a path");
  expect_contains(refused([](json& m) { m["reference"]["identity"] = "7"; }), "not a checksum");
  expect_contains(refused([](json& m) { m["reference"]["fields"] = json::array(); }), "no fields");
  expect_contains(refused([](json& m) {
                    m["reference"]["fields"] = {"image", "image"};
                  }),
                  "listed twice");
  expect_contains(refused([](json& m) { m["reference"]["fields"] = {"flow"}; }), "\"flow\"");
  // A set that refers to itself ends, too.
  expect_contains(refused([](json& m) { m["reference"]["set"] = "."; }), "refer to each other");
}

}  // namespace
}  // namespace dusk
