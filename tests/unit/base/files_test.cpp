#include "dusk/base/files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;
using test::expect_contains;
using test::message_of;

class Files : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      found.push_back(entry.path().filename().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  template <class Call>
  static std::string refusal(const Call& call) {
    return message_of<StorageError>(call);
  }

  test::TempFolder folder_;
};

using Names = std::vector<std::string>;

TEST_F(Files, WhatIsPublishedIsRead) {
  const std::string body("a\0b\n", 4);
  publish(folder_ / "x", body);
  EXPECT_EQ(read_text(folder_ / "x"), body);
  publish(folder_ / "x", std::as_bytes(std::span(std::string_view("other"))));
  EXPECT_EQ(read_text(folder_ / "x"), "other");
  publish(folder_ / "empty", std::string_view());
  EXPECT_EQ(read_bytes(folder_ / "empty").size(), 0U);
  EXPECT_EQ(names(), (Names{"empty", "x"})) << "no temporary file stays";
}

TEST_F(Files, APendingFileIsInvisibleUntilItIsPublished) {
  folder_.write("x", "old");
  PendingFile file(folder_ / "x");
  file.write(std::as_bytes(std::span(std::string_view("new, "))));
  EXPECT_EQ(read_text(folder_ / "x"), "old");
  file.write(std::as_bytes(std::span(std::string_view("all of it"))));
  EXPECT_EQ(read_text(folder_ / "x"), "old");
  file.publish();
  EXPECT_EQ(read_text(folder_ / "x"), "new, all of it");
  EXPECT_EQ(names(), Names{"x"});
}

TEST_F(Files, APendingFileThatIsGivenUpLeavesNothing) {
  folder_.write("x", "old");
  {
    PendingFile file(folder_ / "x");
    file.write(std::as_bytes(std::span(std::string_view("half"))));
    EXPECT_EQ(names().size(), 2U);
  }
  EXPECT_EQ(read_text(folder_ / "x"), "old");
  EXPECT_EQ(names(), Names{"x"});
}

/// What a kill between writing and renaming leaves behind must not be in the way.
TEST_F(Files, LeftoversOfAKilledWriterAreReplaced) {
  {
    folder_.write("probe", "");
    PendingFile file(folder_ / "x");
    for (const std::string& name : names()) {
      if (name != "probe") folder_.write(name, "a much longer leftover of another run");
    }
    fs::copy(folder_.path(), folder_ / "../leftovers-of-" += folder_.path().filename());
  }
  const fs::path copy = folder_ / "../leftovers-of-" += folder_.path().filename();
  publish(copy / "x", "short");
  EXPECT_EQ(read_text(copy / "x"), "short");
  EXPECT_EQ(std::distance(fs::directory_iterator(copy), fs::directory_iterator()), 2);
  fs::remove_all(copy);
}

TEST_F(Files, PublishingFailsWithTheReason) {
  expect_contains(refusal([&] { publish(folder_ / "none/x", "body"); }), "none/x");
  expect_contains(refusal([&] { publish(folder_ / "none/x", "body"); }),
                  "No such file or directory");
  fs::create_directory(folder_ / "taken");
  expect_contains(refusal([&] { publish(folder_ / "taken", "body"); }), "Is a directory");
  EXPECT_EQ(names(), Names{"taken"}) << "a failed publish leaves no temporary file";
}

TEST_F(Files, ReadingFailsWithTheReason) {
  expect_contains(refusal([&] { (void)read_text(folder_ / "none"); }), "none");
  expect_contains(refusal([&] { (void)read_text(folder_ / "none"); }), "No such file or directory");
  expect_contains(refusal([&] { (void)read_bytes(folder_.path()); }), "Is a directory");
  expect_contains(refusal([&] { (void)MappedFile(folder_ / "none"); }), "No such file");
  expect_contains(refusal([&] { (void)MappedFile(folder_.path()); }), "Is a directory");
  expect_contains(refusal([&] { (void)PositionedFile(folder_ / "none"); }), "No such file");
}

TEST_F(Files, MappedBytesAreThoseOfTheFile) {
  const auto path = folder_.write("x", "mapped");
  MappedFile file(path);
  ASSERT_EQ(file.bytes().size(), 6U);
  EXPECT_EQ(static_cast<char>(file.bytes()[5]), 'd');
  MappedFile moved(std::move(file));
  EXPECT_EQ(static_cast<char>(moved.bytes()[0]), 'm');
  EXPECT_EQ(moved.path(), path);
  MappedFile other(folder_.write("y", "other file"));
  other = std::move(moved);
  EXPECT_EQ(other.bytes().size(), 6U);
  EXPECT_TRUE(MappedFile(folder_.write("empty", "")).bytes().empty());
}

TEST_F(Files, PositionsAreReadExactly) {
  const PositionedFile file(folder_.write("x", "0123456789"));
  EXPECT_EQ(file.size(), 10U);
  std::string out(4, '\0');
  file.read_exact(3, std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(out, "3456");
  file.read_exact(6, std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(out, "6789");
  file.read_exact(10, {});
  expect_contains(refusal([&] { file.read_exact(7, std::as_writable_bytes(std::span(out))); }),
                  "ends at byte 10");
  expect_contains(refusal([&] { file.read_exact(7, std::as_writable_bytes(std::span(out))); }),
                  (folder_ / "x").string());
}

TEST_F(Files, ThreadsReadTheSameFileAtOnce) {
  std::string body(1 << 16, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 7 % 251);
  const PositionedFile file(folder_.write("x", body));
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::string out(100, '\0');
      for (std::size_t i = t; i + 100 < body.size(); i += 97) {
        file.read_exact(i, std::as_writable_bytes(std::span(out)));
        wrong[t] += out == body.substr(i, 100) ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST_F(Files, ADirectoryGetsItsNameWhole) {
  folder_.write("step.partial/a", "1");
  folder_.write("step.partial/deep/b", "2");
  publish_directory(folder_ / "step.partial", folder_ / "step");
  EXPECT_EQ(read_text(folder_ / "step/deep/b"), "2");
  EXPECT_EQ(names(), Names{"step"});
}

TEST_F(Files, ADirectoryIsNeverReplaced) {
  folder_.write("step/a", "old");
  folder_.write("step.partial/a", "new");
  expect_contains(refusal([&] { publish_directory(folder_ / "step.partial", folder_ / "step"); }),
                  "File exists");
  EXPECT_EQ(read_text(folder_ / "step/a"), "old");
  EXPECT_EQ(read_text(folder_ / "step.partial/a"), "new");
  expect_contains(refusal([&] { publish_directory(folder_ / "none", folder_ / "other"); }), "none");
}

TEST_F(Files, AFinishedFileIsMovedIntoPlace) {
  folder_.write("x.partial", "new");
  folder_.write("x", "old");
  publish_file(folder_ / "x.partial", folder_ / "x");
  EXPECT_EQ(read_text(folder_ / "x"), "new");
  EXPECT_EQ(names(), Names{"x"});
  expect_contains(refusal([&] { publish_file(folder_ / "none", folder_ / "x"); }), "none");
}

TEST_F(Files, DirectoriesAreMadeWithTheirParents) {
  make_directories(folder_ / "a/b/c");
  make_directories(folder_ / "a/b/c");
  EXPECT_TRUE(fs::is_directory(folder_ / "a/b/c"));
  folder_.write("file", "");
  const std::string message = refusal([&] { make_directories(folder_ / "file/x"); });
  expect_contains(message, "file/x");
  expect_contains(message, "Not a directory");
}

}  // namespace
}  // namespace dusk
