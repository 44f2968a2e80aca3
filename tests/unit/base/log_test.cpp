#include "dusk/base/log.hpp"

#include <gtest/gtest.h>

#include <string>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

using test::expect_contains;

TEST(Log, TheFileGetsEverythingWithThePrefix) {
  const test::TempFolder folder;
  const auto file = folder / "rank-0001.log";
  {
    Log log({.console = LogLevel::off, .file = file, .prefix = "rank 1"});
    log.debug("step {} of {}", 3, 300);
    log.warn("slow");
    log.error("lost");
  }
  const std::string text = read_text(file);
  expect_contains(text, "[debug] rank 1: step 3 of 300\n");
  expect_contains(text, "[warning] rank 1: slow\n");
  expect_contains(text, "[error] rank 1: lost\n");
}

TEST(Log, TheConsoleGetsWhatIsSevereEnough) {
  testing::internal::CaptureStderr();
  {
    Log log({.console = LogLevel::warn});
    log.info("quiet");
    log.warn("loud");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "[warning] loud\n");
  testing::internal::CaptureStderr();
  Log({.console = LogLevel::off}).error("nobody hears");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Log, MessagesAreNotFormatsAgain) {
  testing::internal::CaptureStderr();
  Log log;
  log.write(LogLevel::info, "{} {broken");
  log.info("{}", "{0}");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "[info] {} {broken\n[info] {0}\n");
}

TEST(Log, ImportantMessagesAreOnDiskAtOnce) {
  const test::TempFolder folder;
  Log log({.console = LogLevel::off, .file = folder / "log"});
  log.info("before the crash");
  expect_contains(read_text(folder / "log"), "before the crash\n");
}

TEST(Log, AFileThatCannotBeOpenedIsAStorageError) {
  const test::TempFolder folder;
  const auto below_a_file = folder.write("file", "") / "log";
  expect_contains(test::message_of<StorageError>(
                      [&] { Log log({.console = LogLevel::off, .file = below_a_file}); }),
                  below_a_file.string());
}

TEST(Log, LevelsByName) {
  EXPECT_EQ(parse_log_level("debug"), LogLevel::debug);
  EXPECT_EQ(parse_log_level("info"), LogLevel::info);
  EXPECT_EQ(parse_log_level("warn"), LogLevel::warn);
  EXPECT_EQ(parse_log_level("error"), LogLevel::error);
  EXPECT_EQ(parse_log_level("off"), LogLevel::off);
  expect_contains(test::message_of<ConfigError>([] { (void)parse_log_level("loud"); }), "'loud'");
}

}  // namespace
}  // namespace dusk
