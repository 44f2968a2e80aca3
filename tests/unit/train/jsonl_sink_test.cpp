#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/train/metric_sink.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

TEST(JsonlSink, WritesOneLineANumber) {
  const test::TempFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  JsonlSink sink(path, 0);
  sink.metric(1, "loss", 0.5);
  sink.metric(2, "a \"quoted\" name", std::nan(""));
  EXPECT_EQ(read_text(path),
            "{\"step\":1,\"name\":\"loss\",\"value\":0.5}\n"
            "{\"step\":2,\"name\":\"a \\\"quoted\\\" name\",\"value\":null}\n");
}

TEST(JsonlSink, ResumeDropsWhatAKilledRunWroteBeyondItsCheckpoint) {
  const test::TempFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  {
    JsonlSink sink(path, 0);
    for (const std::int64_t step : {10, 20, 30}) sink.metric(step, "loss", 1);
  }
  std::ofstream(path, std::ios::app) << "{\"step\":40,\"na";  // cut by the kill
  JsonlSink sink(path, 20);
  sink.metric(30, "loss", 2);
  EXPECT_EQ(read_text(path),
            "{\"step\":10,\"name\":\"loss\",\"value\":1.0}\n"
            "{\"step\":20,\"name\":\"loss\",\"value\":1.0}\n"
            "{\"step\":30,\"name\":\"loss\",\"value\":2.0}\n");
}

TEST(JsonlSink, FolderThatDoesNotExistIsAnError) {
  EXPECT_THROW(JsonlSink("/nonexistent/metrics.jsonl", 0), StorageError);
}

}  // namespace
}  // namespace dusk
