#include "dusk/report/run_report.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "unit/report/run_folder.hpp"

namespace dusk {
namespace {

using test::RunFolder;

std::string message_of(const RunFolder& run) {
  try {
    (void)read_run(run.path());
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(ReadRun, ReadsCurvesAndCountsDamagedLines) {
  const RunFolder run;
  run.write("metrics.jsonl",
            "{\"step\":1,\"name\":\"loss\",\"value\":2.5}\n"
            "{\"step\":1,\"name\":\"learning_rate\",\"value\":0.01}\n"
            "\n"
            "{\"step\":2,\"name\":\"loss\",\"value\":null}\n"
            "{\"step\":\"3\",\"name\":\"loss\",\"value\":1}\n"
            "{\"step\":3,\"name\":7,\"value\":1}\n"
            "[1,2]\n"
            "\x80\xff\n"
            "{\"step\":4,\"name\":\"loss\",\"value\":1.5}\n"
            "{\"step\":5,\"name\":\"lo");
  const RunReport report = read_run(run.path());
  EXPECT_EQ(report.name, "run");
  EXPECT_EQ(report.damaged_lines, 5U);
  ASSERT_EQ(report.curves.size(), 2U);
  const Curve& loss = report.curves.at("loss");
  ASSERT_EQ(loss.size(), 3U);
  EXPECT_EQ(loss[0].value, 2.5);
  EXPECT_TRUE(std::isnan(loss[1].value));
  EXPECT_EQ(loss[2].step, 4);
  EXPECT_EQ(report.curves.at("learning_rate").front().value, 0.01);
}

TEST(ReadRun, ForARepeatedStepTheLaterLineCounts) {
  const RunFolder run;
  run.write("metrics.jsonl",
            "{\"step\":1,\"name\":\"loss\",\"value\":1}\n"
            "{\"step\":2,\"name\":\"loss\",\"value\":2}\n"
            "{\"step\":3,\"name\":\"loss\",\"value\":3}\n"
            "{\"step\":2,\"name\":\"loss\",\"value\":20}\n");
  const RunReport report = read_run(run.path());
  const Curve& loss = report.curves.at("loss");
  ASSERT_EQ(loss.size(), 2U);
  EXPECT_EQ(loss[1].step, 2);
  EXPECT_EQ(loss[1].value, 20.0);
}

TEST(ReadRun, ReadsScoresClassesAndFacts) {
  const RunFolder run;
  run.write("config.yaml", "seed: 3\n");
  run.write("result.json", R"({"step": 300, "name": "a", "seconds": 1.5, "odd": [1],
    "classes": [{"name": "sky", "color": [1, 2, 3]}, "road"],
    "class_groups": [{"name": "static", "classes": ["sky", "road"]}],
    "sets": {"night": {"miou": 0.25, "pixel_accuracy": 0.5, "class_accuracy": 0.75, "fw_iou": 1,
                       "iou": [0.25, null]},
             "day": {"miou": null}}})");
  const RunReport report = read_run(run.path());
  EXPECT_EQ(report.configuration, "seed: 3\n");
  ASSERT_EQ(report.classes.size(), 2U);
  EXPECT_EQ(report.classes[0].color, (std::array<std::uint8_t, 3>{1, 2, 3}));
  EXPECT_EQ(report.classes[1].name, "road");
  ASSERT_EQ(report.groups.size(), 1U);
  EXPECT_EQ(report.groups[0].name, "static");
  EXPECT_EQ(report.groups[0].classes, (std::vector<std::string>{"sky", "road"}));
  ASSERT_EQ(report.sets.size(), 2U);
  EXPECT_EQ(report.sets[0].set, "day");
  EXPECT_TRUE(std::isnan(report.sets[0].mean_iou));
  EXPECT_TRUE(std::isnan(report.sets[0].fw_iou));
  EXPECT_EQ(report.sets[1].mean_iou, 0.25);
  EXPECT_EQ(report.sets[1].pixel_accuracy, 0.5);
  EXPECT_EQ(report.sets[1].class_accuracy, 0.75);
  EXPECT_EQ(report.sets[1].fw_iou, 1.0);
  ASSERT_EQ(report.sets[1].iou.size(), 2U);
  EXPECT_TRUE(std::isnan(report.sets[1].iou[1]));
  const std::vector<std::pair<std::string, std::string>> facts{
      {"name", "a"}, {"seconds", "1.5"}, {"step", "300"}};
  EXPECT_EQ(report.facts, facts);
}

TEST(ReadRun, RefusesAFolderThatIsNoRun) {
  const RunFolder run;
  EXPECT_NE(message_of(run).find("neither metrics.jsonl nor result.json"), std::string::npos);
}

TEST(ReadRun, NamesWhatIsWrongInAResult) {
  const std::pair<const char*, const char*> cases[] = {
      {"{\"sets\": {\"day\": {\"miou\"", "is no JSON"},
      {"[]", "is no JSON object"},
      {R"({"sets": {"day": {"miou": 43.3}}})", "sets.day.miou must be a number in 0..1"},
      {R"({"sets": {"day": {"miou": "high"}}})", "sets.day.miou"},
      {R"({"sets": {"day": {"iou": 3}}})", "sets.day.iou"},
      {R"({"sets": []})", "'sets' must be an object"},
      {R"({"classes": {"a": 1}})", "'classes' must be a list"},
      {R"({"class_groups": {"static": []}})", "'class_groups' must be a list"},
      {R"({"class_groups": [{"name": "static", "classes": [1]}]})", "class_groups[0]"},
      {R"({"classes": [{"color": [0, 0, 0]}]})", "classes[0]"},
      {R"({"classes": ["a", {"name": "b", "color": [0, 0, 256]}]})", "classes[1].color"},
  };
  for (const auto& [text, expected] : cases) {
    const RunFolder run;
    run.write("result.json", text);
    const std::string message = message_of(run);
    EXPECT_NE(message.find(expected), std::string::npos) << message;
    EXPECT_NE(message.find("result.json"), std::string::npos) << message;
  }
}

TEST(ReadRun, FindsPictureRowsAndSpreadsThem) {
  const RunFolder run;
  run.write("metrics.jsonl", "");
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
    run.write("pictures/day/" + std::string(name) + ".input.png", "x");
    run.write("pictures/day/" + std::string(name) + ".prediction.png", "x");
  }
  run.write("pictures/day/a.label.png", "x");
  run.write("pictures/day/stray.label.png", "x");
  run.write("pictures/empty/readme.txt", "x");
  const RunReport report = read_run(run.path(), {.pictures_per_set = 3});
  ASSERT_EQ(report.pictures.size(), 3U);
  EXPECT_EQ(report.pictures[0].name, "a");
  EXPECT_EQ(report.pictures[1].name, "c");
  EXPECT_EQ(report.pictures[2].name, "e");
  EXPECT_EQ(report.pictures[0].set, "day");
  EXPECT_EQ(report.pictures[0].label, run.path() / "pictures/day/a.label.png");
  EXPECT_TRUE(report.pictures[1].label.empty());
  EXPECT_EQ(report.pictures[1].prediction, run.path() / "pictures/day/c.prediction.png");
}

}  // namespace
}  // namespace dusk
