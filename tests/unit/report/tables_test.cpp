#include "dusk/report/tables.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "dusk/base/files.hpp"
#include "unit/report/run_folder.hpp"

namespace dusk {
namespace {

RunReport make_run(const std::string& name, const std::string& set, double miou,
                   std::vector<ReportClass> classes, std::vector<double> iou) {
  RunReport run;
  run.name = name;
  run.classes = std::move(classes);
  run.sets.push_back({.set = set,
                      .mean_iou = miou,
                      .pixel_accuracy = 0.9,
                      .class_accuracy = 0.8,
                      .fw_iou = 0.7,
                      .iou = std::move(iou)});
  return run;
}

std::vector<RunReport> two_runs() {
  return {make_run("first", "day", 0.4213, {{"sky", {}}, {"road", {}}}, {0.5, NAN}),
          make_run("second", "night", 0.25, {{"road", {}}, {"car", {}}}, {0.125, 0.375})};
}

TEST(Tables, NameTheSetsOfAllRuns) {
  EXPECT_EQ(evaluated_sets(two_runs()), (std::vector<std::string>{"day", "night"}));
}

TEST(Tables, PutClassesInColumnsByName) {
  auto runs = two_runs();
  runs[1].sets[0].set = "day";
  const Table table = score_table(runs, "day");
  const std::vector<std::string> header{"run",   "mIoU", "pixel acc.", "class acc.",
                                        "FWIoU", "sky",  "road",       "car"};
  EXPECT_EQ(table.header, header);
  ASSERT_EQ(table.rows.size(), 2U);
  const std::vector<std::string> first{"first", "42.1", "90.0", "80.0", "70.0", "50.0", "–", "–"};
  const std::vector<std::string> second{"second", "25.0", "90.0", "80.0",
                                        "70.0",   "–",    "12.5", "37.5"};
  EXPECT_EQ(table.rows[0], first);
  EXPECT_EQ(table.rows[1], second);
}

TEST(Tables, LeaveOutRunsWithoutTheSet) {
  EXPECT_EQ(score_table(two_runs(), "night").rows.size(), 1U);
  const Table summary = summary_table(two_runs());
  EXPECT_EQ(summary.header, (std::vector<std::string>{"run", "day", "night"}));
  EXPECT_EQ(summary.rows[0], (std::vector<std::string>{"first", "42.1", "–"}));
  EXPECT_EQ(summary.rows[1], (std::vector<std::string>{"second", "–", "25.0"}));
}

TEST(Tables, AreWrittenInThreeLanguages) {
  const Table table{.title = "t", .header = {"run", "a_b"}, .rows = {{"x|\"y\", z", "–"}}};
  EXPECT_EQ(to_markdown(table), "### t\n\n| run | a_b |\n|---|---:|\n| x\\|\"y\", z | – |\n");
  EXPECT_EQ(to_csv(table), "run,a_b\r\n\"x|\"\"y\"\", z\",\r\n");
  EXPECT_EQ(to_latex(table),
            "% t\n\\begin{tabular}{lr}\n\\toprule\nrun & a\\_b \\\\\n\\midrule\n"
            "x|\"y\", z & -- \\\\\n\\bottomrule\n\\end{tabular}\n");
}

TEST(Tables, ArePublished) {
  const test::RunFolder folder;
  write_tables(two_runs(), folder.path() / "out");
  EXPECT_NE(read_text(folder.path() / "out/scores.md").find("| first | 42.1 | – |"),
            std::string::npos);
  EXPECT_NE(read_text(folder.path() / "out/scores.tex").find("first & 42.1 & --"),
            std::string::npos);
  EXPECT_EQ(read_text(folder.path() / "out/scores.night.csv"),
            "run,mIoU,pixel acc.,class acc.,FWIoU,sky,road,car\r\n"
            "second,25.0,90.0,80.0,70.0,,12.5,37.5\r\n");
}

}  // namespace
}  // namespace dusk
