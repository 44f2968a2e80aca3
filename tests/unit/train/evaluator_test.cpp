#include "dusk/train/evaluator.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dusk/base/files.hpp"
#include "dusk/comm/in_process.hpp"
#include "support/quiet_run.hpp"
#include "support/temp_folder.hpp"
#include "unit/data/memory_source.hpp"

namespace dusk {
namespace {

/// Class 1 where the picture's red is above `threshold`, else 0; keeps what it saw.
class Threshold : public SegmentationMethod {
 public:
  explicit Threshold(double threshold) : threshold_(threshold) {}

  at::Tensor predict(const at::Tensor& images) override {
    seen = images;
    const at::Tensor above = images.select(1, 0) > threshold_;
    at::Tensor logits = at::zeros({images.size(0), 11, images.size(2), images.size(3)});
    logits.select(1, 0) = 1 - above.to(at::kFloat);
    logits.select(1, 1) = above.to(at::kFloat);
    return logits;
  }
  void step(const Batch& /*batch*/, StepContext& /*context*/) override {}
  void set_training(bool /*training*/) override {}
  void visit(StateVisitor& /*visitor*/) override {}

  at::Tensor seen;

 private:
  double threshold_;
};

void with_run(const RunConfig& config, const std::function<void(const RunContext&)>& body) {
  run_in_process(1, [&](Communicator& communicator) {
    body(test::QuietRun(config, communicator, communicator).context);
  });
}

/// The network sees half of the size, as PIL makes it (weights 1, 3, 3, 1 along each side), and
/// says something of that size.
TEST(PredictLogits, ShowsTheNetworkPicturesAtTheScale) {
  RunConfig config;
  config.evaluation.scale = 0.5;
  with_run(config, [](const RunContext& run) {
    Threshold method(0);
    const at::Tensor images = at::randn({2, 3, 24, 42});
    const at::Tensor logits = predict_logits(method, images, run);
    EXPECT_EQ(logits.sizes(), at::IntArrayRef({2, 11, 12, 21}));
    ASSERT_EQ(method.seen.sizes(), at::IntArrayRef({2, 3, 12, 21}));
    const at::Tensor taps = at::tensor({0.125, 0.375, 0.375, 0.125});
    const at::Tensor around = images[1][2].narrow(0, 9, 4).narrow(1, 13, 4);  // of (5, 7)
    const double expected = (taps.outer(taps) * around).sum().item<double>();
    EXPECT_NEAR(method.seen[1][2][5][7].item<double>(), expected, 1e-6);
  });
}

/// Labels keep their size: they change at row 33, between two rows of the half picture, which
/// changes at its row 16.
TEST(Evaluate, ScoresTheScaledPictureAgainstTheLabelsAsTheyAre) {
  const auto source = std::make_shared<test::MemorySource>(test::equal_samples(1, 64, 48));
  source->label_at = [](int y, int, int) { return static_cast<std::uint8_t>(y >= 33 ? 1 : 0); };
  const double row_32 = (31.5 / 255 - 0.485) / 0.229;  // red is the row
  const auto scores_with = [&](double scale, const SqueezeOptions& squeeze, at::IntArrayRef seen) {
    RunConfig config;
    config.evaluation.scale = scale;
    with_run(config, [&](const RunContext& run) {
      Threshold method(row_32);
      const EvalSet set{
          .name = "a", .dataset = Dataset("memory", source), .pictures = 1, .squeeze = squeeze};
      const Scores scores = evaluate(method, set, run);
      EXPECT_EQ(method.seen.sizes().slice(2), seen);
      EXPECT_NEAR(scores.pixel_accuracy, 63.0 / 64, 1e-12);
      method.seen = at::Tensor();
      const std::vector<Prediction> shown = sample_predictions(method, set, run);
      EXPECT_EQ(method.seen.sizes().slice(2), seen);
      ASSERT_EQ(shown.size(), 1U);
      EXPECT_EQ(std::ranges::count(shown[0].prediction, 1), 32 * 48);
    });
  };
  scores_with(1, {}, {64, 48});
  scores_with(0.5, {}, {32, 24});
  scores_with(0.5, {.height = 32, .width = 16}, {32, 16});
}

/// Two of eleven classes occur, and both are found.
TEST(Evaluate, AveragesAbsentClassesAsConfigured) {
  const auto source = std::make_shared<test::MemorySource>(test::equal_samples(1, 64, 48));
  source->label_at = [](int y, int, int) { return static_cast<std::uint8_t>(y >= 32 ? 1 : 0); };
  const double row_32 = (31.5 / 255 - 0.485) / 0.229;  // red is the row
  const auto mean_iou = [&](AbsentClasses absent) {
    RunConfig config;
    config.evaluation.absent_classes = absent;
    double found = 0;
    with_run(config, [&](const RunContext& run) {
      Threshold method(row_32);
      found = evaluate(method, {.name = "a", .dataset = Dataset("memory", source)}, run).mean_iou;
    });
    return found;
  };
  EXPECT_DOUBLE_EQ(mean_iou(AbsentClasses::left_out), 1);
  EXPECT_DOUBLE_EQ(mean_iou(AbsentClasses::zero), 2.0 / 11);
}

/// Groups of classes come from where method dsrnss has them, if the label space has their classes.
TEST(WriteResult, NamesTheGroupsOfClasses) {
  const test::TempFolder folder;
  const auto groups_of = [&](const RunConfig& config, const char* labels) {
    write_result(folder / "result.json", config, label_space(labels), 7, {});
    return nlohmann::json::parse(read_text(folder / "result.json"))
        .value("class_groups", nlohmann::json("none"));
  };
  RunConfig config;
  const auto cityscapes = groups_of(config, "cityscapes19");
  ASSERT_EQ(cityscapes.size(), 3U);
  EXPECT_EQ(cityscapes[0]["name"], "static");
  EXPECT_EQ(cityscapes[1]["name"], "dynamic");
  EXPECT_EQ(cityscapes[1]["classes"].size(), 8U);
  EXPECT_EQ(cityscapes[2]["classes"],
            (std::vector<std::string>{"pole", "traffic light", "traffic sign"}));
  EXPECT_EQ(groups_of(config, "camvid11"), "none");
  config.dsrnss.classes = {.large_static = {"sky", "road"},
                           .small = {"pole", "sign/symbol"},
                           .dynamic = {"car"},
                           .long_tail = {},
                           .distance = {}};
  const auto camvid = groups_of(config, "camvid11");
  ASSERT_EQ(camvid.size(), 3U);
  EXPECT_EQ(camvid[2]["classes"], (std::vector<std::string>{"pole", "sign/symbol"}));
}

}  // namespace
}  // namespace dusk
