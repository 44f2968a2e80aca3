#include "dusk/train/checkpoint_store.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <torch/types.h>

#include <fstream>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "support/temp_folder.hpp"
#include "unit/train/toy_method.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;
using test::ToyMethod;

class CheckpointStoreTest : public testing::Test {
 protected:
  void save(CheckpointStore& store, std::int64_t step, std::int64_t best_step = 0) {
    ToyMethod method(static_cast<double>(step));
    method.counter = 10 * step;
    method.ratio = 1.0 / static_cast<double>(3 * step);
    TrainState state;
    state.step = step;
    state.best_score = 0.1 * static_cast<double>(step);
    state.best_step = best_step;
    store.save(state, method);
    store.wait();
  }

  static void truncate(const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); }

  static void flip_last_byte(const fs::path& file) {
    std::string bytes = read_text(file);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    std::ofstream(file, std::ios::binary) << bytes;
  }

  Log log_{LogOptions{.console = LogLevel::off, .file = {}, .prefix = {}}};
  test::TempFolder folder_;
};

TEST_F(CheckpointStoreTest, RestoresEverythingThatWasVisited) {
  CheckpointStore store(folder_.path(), 2, log_);
  save(store, 7);
  ToyMethod method;
  TrainState state;
  load_checkpoint(store.latest_valid().value().path, state, method);
  EXPECT_EQ(state.step, 7);
  EXPECT_DOUBLE_EQ(state.best_score, 0.7);
  EXPECT_EQ(method.counter, 70);
  EXPECT_EQ(method.ratio, 1.0 / 21);  // exactly: text keeps all digits
  EXPECT_TRUE(torch::equal(method.weight, torch::full({3, 4}, 7.0F)));
  EXPECT_EQ(method.count.item<std::int64_t>(), 7);
}

TEST_F(CheckpointStoreTest, NothingThereIsNoCheckpoint) {
  const CheckpointStore store(folder_.path() / "absent", 2, log_);
  EXPECT_FALSE(store.latest_valid().has_value());
}

TEST_F(CheckpointStoreTest, TruncatedCheckpointFallsBackToTheOneBefore) {
  CheckpointStore store(folder_.path(), 3, log_);
  save(store, 1);
  save(store, 2);
  truncate(folder_.path() / "step-00000002" / "network.safetensors");
  EXPECT_EQ(store.latest_valid().value().step, 1);
}

TEST_F(CheckpointStoreTest, OneFlippedByteIsFoundInEveryPart) {
  for (const char* part : {"network.safetensors", "state.json", "manifest.json"}) {
    fs::remove_all(folder_.path());
    fs::create_directories(folder_.path());
    CheckpointStore store(folder_.path(), 3, log_);
    save(store, 1);
    save(store, 2);
    flip_last_byte(folder_.path() / "step-00000002" / part);
    // The last byte of the manifest is a newline outside the JSON value; damage the value instead.
    if (std::string(part) == "manifest.json") truncate(folder_.path() / "step-00000002" / part);
    EXPECT_EQ(store.latest_valid().value().step, 1) << part;
  }
}

TEST_F(CheckpointStoreTest, ManifestWithValuesOfWrongTypesIsDamaged) {
  CheckpointStore store(folder_.path(), 3, log_);
  save(store, 1);
  for (const char* text :
       {"[]", "{\"format\":\"x\"}", "{\"format\":1,\"parts\":{\"state.json\":3}}",
        "{\"format\":1,\"parts\":[]}", "{\"format\":2,\"parts\":{}}"}) {
    std::ofstream(folder_.path() / "step-00000001" / "manifest.json") << text;
    if (std::string(text).find("[]") != std::string::npos && text[0] == '{') continue;
    EXPECT_FALSE(store.latest_valid().has_value()) << text;
  }
}

TEST_F(CheckpointStoreTest, UnfinishedFolderIsNoCheckpoint) {
  CheckpointStore store(folder_.path(), 3, log_);
  save(store, 1);
  fs::create_directories(folder_.path() / "step-00000009.partial");
  fs::create_directories(folder_.path() / "step-00000008");  // without a manifest
  EXPECT_EQ(store.latest_valid().value().step, 1);
}

TEST_F(CheckpointStoreTest, KeepsTheNewest) {
  CheckpointStore store(folder_.path(), 2, log_);
  for (const std::int64_t step : {1, 2, 3, 4}) save(store, step);
  EXPECT_FALSE(fs::exists(folder_.path() / "step-00000001"));
  EXPECT_FALSE(fs::exists(folder_.path() / "step-00000002"));
  EXPECT_TRUE(fs::exists(folder_.path() / "step-00000003"));
  EXPECT_TRUE(fs::exists(folder_.path() / "step-00000004"));
}

TEST_F(CheckpointStoreTest, TheBestStaysAndIsFound) {
  CheckpointStore store(folder_.path(), 2, log_);
  EXPECT_FALSE(store.best_valid().has_value());
  save(store, 1);
  EXPECT_EQ(store.best_valid().value().step, 1) << "nothing was validated: the newest";
  save(store, 2, 2);
  for (std::int64_t step = 3; step < 7; ++step) save(store, step, 2);
  EXPECT_EQ(store.best_valid().value().step, 2);
  EXPECT_EQ(store.latest_valid().value().step, 6);
  EXPECT_FALSE(fs::exists(folder_.path() / "step-00000004"));
  truncate(folder_.path() / "step-00000002" / "network.safetensors");
  EXPECT_EQ(store.best_valid().value().step, 6);
  save(store, 7, 7);  // a better one: the earlier best goes
  EXPECT_FALSE(fs::exists(folder_.path() / "step-00000002"));
  EXPECT_EQ(store.best_valid().value().step, 7);
}

TEST_F(CheckpointStoreTest, DamagedCheckpointOfTheSameStepIsReplaced) {
  CheckpointStore store(folder_.path(), 2, log_);
  save(store, 5);
  truncate(folder_.path() / "step-00000005" / "network.safetensors");
  EXPECT_FALSE(store.latest_valid().has_value());
  save(store, 5);
  EXPECT_EQ(store.latest_valid().value().step, 5);
}

TEST_F(CheckpointStoreTest, SameStateGivesTheSameBytes) {
  CheckpointStore first(folder_.path() / "a", 2, log_);
  CheckpointStore second(folder_.path() / "b", 2, log_);
  save(first, 3);
  save(second, 3);
  EXPECT_EQ(read_text(folder_.path() / "a/step-00000003/network.safetensors"),
            read_text(folder_.path() / "b/step-00000003/network.safetensors"));
}

/// A method whose network has other tensors than the toy's.
class OtherMethod : public ToyMethod {
 public:
  void visit(StateVisitor& visitor) override {
    visitor.tensors("network", {{"weight", torch::zeros({4, 3}), true}, {"bias", bias, true}});
    visitor.integer("toy.counter", counter);
    visitor.real("toy.other", ratio);
  }
  at::Tensor bias = torch::ones({2});
};

TEST_F(CheckpointStoreTest, AnotherNetworkIsRefusedByNameAndChangesNothing) {
  CheckpointStore store(folder_.path(), 2, log_);
  save(store, 1);
  OtherMethod method;
  TrainState state;
  try {
    load_checkpoint(folder_.path() / "step-00000001", state, method);
    FAIL() << "was accepted";
  } catch (const StorageError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("weight has another shape"), std::string::npos) << text;
    EXPECT_NE(text.find("bias is missing"), std::string::npos) << text;
    EXPECT_NE(text.find("toy.other"), std::string::npos) << text;
  }
  EXPECT_EQ(state.step, 0);
  EXPECT_EQ(method.counter, 0);
}

TEST_F(CheckpointStoreTest, FullDiskIsAnErrorAndTheOlderCheckpointStays) {
  if (::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "needs the right to mount a small tmpfs";
  }
  {
    CheckpointStore store(folder_.path(), 2, log_);
    save(store, 1);
    ToyMethod large;
    large.weight = torch::zeros({64, 1024});
    TrainState state;
    state.step = 2;
    store.save(state, large);
    try {
      store.wait();
      ADD_FAILURE() << "256 KiB fitted into 64 KiB";
    } catch (const StorageError& error) {
      EXPECT_NE(std::string(error.what()).find("No space left"), std::string::npos) << error.what();
    }
    EXPECT_EQ(store.latest_valid().value().step, 1);
    save(store, 3);  // the rest of the failed attempt is not in the way
    EXPECT_EQ(store.latest_valid().value().step, 3);
  }
  ::umount2(folder_.path().c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace dusk
