#include "dusk/report/html_report.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "dusk/base/files.hpp"
#include "unit/report/html_checks.hpp"
#include "unit/report/run_folder.hpp"

namespace dusk {
namespace {

using test::count;

RunReport make_run(const std::string& name, double miou) {
  RunReport run;
  run.name = name;
  run.configuration = "optim:\n  lr: 0.02  # <base.yaml>:3\n";
  run.facts = {{"step", "300"}};
  run.classes = {{"sky", {128, 128, 128}}, {"road & kerb", {128, 64, 128}}};
  run.sets = {{.set = "day_val",
               .mean_iou = miou,
               .pixel_accuracy = 0.9,
               .class_accuracy = 0.8,
               .fw_iou = 0.7,
               .iou = {miou, NAN}}};
  for (int step = 1; step <= 200; ++step) {
    run.curves["loss"].push_back({step, 2.0 / step});
    run.curves["learning_rate"].push_back({step, 0.02 - 0.0001 * step});
    run.curves["gradient_norm"].push_back({step, 1.0});
  }
  run.curves["day_val.miou"] = {{100, 0.2}, {200, miou}};
  return run;
}

TEST(HtmlReport, ShowsOneRun) {
  const std::vector<RunReport> runs{make_run("camvid", 0.4)};
  const std::string page = html_report(runs);
  test::expect_balanced(page);
  test::expect_self_contained(page);
  for (const char* expected :
       {"<title>camvid · Dusk</title>", "<h3>Loss</h3>", "<h3>Learning rate</h3>",
        "<h3>Validation mIoU</h3>", "<summary>Other metrics</summary>", "<h3>gradient_norm</h3>",
        "road &amp; kerb", "background:#804080", "&lt;base.yaml&gt;:3", "<th>day_val</th>",
        "step <b>300</b>"}) {
    EXPECT_NE(page.find(expected), std::string::npos) << expected;
  }
  EXPECT_EQ(count(page, "<polyline"), 0U);
  EXPECT_EQ(count(page, "class=\"raw\""), 2U);  // loss and norm are noisy, the rate is exact
  EXPECT_EQ(count(page, "<circle"), 2U);
  EXPECT_EQ(page.find("Pictures"), std::string::npos);
}

TEST(HtmlReport, ComparesSeveralRunsAndMarksTheBest) {
  const std::vector<RunReport> runs{make_run("a", 0.4), make_run("b", 0.5)};
  const std::string page = html_report(runs);
  test::expect_balanced(page);
  EXPECT_NE(page.find("<th>a</th><th>b</th>"), std::string::npos);
  EXPECT_NE(page.find("<tr><td>a</td><td>40.0</td></tr>"), std::string::npos);
  EXPECT_NE(page.find("<td class=\"share best\" style=\"--share:50.0%\">50.0</td>"),
            std::string::npos);
  EXPECT_EQ(page.find("best\" style=\"--share:40.0%"), std::string::npos);
  EXPECT_EQ(count(page, "<summary>a/config.yaml"), 1U);
}

/// CamVid's classes in two groups, of which one class was never scored, and one in none.
RunReport make_grouped_run(const std::string& name) {
  RunReport run;
  run.name = name;
  run.groups = {{.name = "static", .classes = {"road", "sky"}},
                {.name = "small", .classes = {"pole", "sign/symbol"}}};
  run.curves["dusk.iou.road"] = {{100, 0.5}, {200, 0.75}};
  run.curves["dusk.iou.sky"] = {{200, 0.25}};
  run.curves["dusk.iou.pole"] = {{100, 0.125}, {200, 0.375}};
  run.curves["dusk.iou.car"] = {{200, 0.0625}};
  return run;
}

TEST(HtmlReport, DrawsClassesByGroupWithTheMeanOfEach) {
  const std::vector<RunReport> runs{make_grouped_run("a")};
  const std::string page = html_report(runs);
  test::expect_balanced(page);
  for (const char* expected :
       {"<h3>dusk: IoU of static classes</h3>", "<title>road, step 200: 75%</title>",
        "<title>sky, step 200: 25%</title>", "<title>mean, step 100: 50%</title>",
        "<title>mean, step 200: 50%</title>", "<h3>dusk: IoU of small classes</h3>",
        "<title>pole, step 200: 37.5%</title>", "<h3>dusk: IoU of other classes</h3>",
        "<title>car, step 200: 6.25%</title>"}) {
    EXPECT_NE(page.find(expected), std::string::npos) << expected;
  }
  EXPECT_EQ(count(page, "stroke-dasharray"), 2U)
      << "line and legend of the one mean of two classes";
  EXPECT_EQ(page.find("Other metrics"), std::string::npos);
}

TEST(HtmlReport, DrawsGroupsOfSeveralRunsByTheirMeans) {
  std::vector<RunReport> runs{make_grouped_run("a"), make_grouped_run("b")};
  runs[1].groups.clear();
  const std::string page = html_report(runs);
  test::expect_balanced(page);
  for (const char* expected :
       {"<h3>dusk: mean IoU of static classes</h3>", "<title>a, step 200: 50%</title>",
        "<h3>dusk: mean IoU of other classes</h3>", "<h3>dusk: mean IoU of all classes</h3>",
        "<title>b, step 100: 31.25%</title>"}) {
    EXPECT_NE(page.find(expected), std::string::npos) << expected;
  }
  EXPECT_EQ(page.find("road, step"), std::string::npos);
}

TEST(HtmlReport, TrustsNoName) {
  RunReport run = make_run("<script>alert(1)</script>", 0.4);
  run.classes[0].name = "\"><img src=\"http://x/\"";
  run.sets[0].set = "<b>";
  run.curves["<i>"] = {{1, 1.0}};
  run.curves["<b>.iou.<p>"] = {{1, 1.0}};
  run.groups = {{.name = "<a>", .classes = {"<p>"}}};
  run.facts = {{"<u>", "<s>"}};
  run.configuration = "</pre><script>";
  run.damaged_lines = 3;
  const std::vector<RunReport> runs{run};
  const std::string page = html_report(runs);
  test::expect_balanced(page);
  test::expect_self_contained(page);
  EXPECT_NE(page.find("3 damaged lines"), std::string::npos);
}

TEST(HtmlReport, OfARunThatHasJustBegunIsAPage) {
  const std::vector<RunReport> runs{RunReport{}};
  test::expect_balanced(html_report(runs));
}

TEST(HtmlReport, IsPublished) {
  const test::RunFolder folder;
  const std::vector<RunReport> runs{make_run("a", 0.4)};
  write_report(runs, folder.path() / "report.html");
  EXPECT_EQ(read_text(folder.path() / "report.html"), html_report(runs));
}

}  // namespace
}  // namespace dusk
