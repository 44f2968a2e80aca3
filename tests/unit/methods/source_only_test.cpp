// One step of source_only on 1, 2 and 3 ranks with the same global batch changes the parameters
// alike (design: "the global batch is the unit").

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"
#include "dusk/nn/hrda.hpp"
#include "unit/methods/method_run.hpp"

namespace dusk {
namespace {

using test::StepResult;

constexpr std::int64_t kGlobalBatch = 6;
constexpr std::int64_t kSide = 64;

/// The same pictures on every number of ranks; their share of labelled pixels differs widely, and
/// the last one has none, so that a mean of the ranks' means would be wrong.
StreamBatch global_batch() {
  torch::manual_seed(1);
  StreamBatch batch;
  batch.images = torch::randn({kGlobalBatch, 3, kSide, kSide});
  batch.labels = torch::randint(11, {kGlobalBatch, kSide, kSide}, torch::kInt64);
  for (std::int64_t i = 0; i < kGlobalBatch; ++i) {
    batch.labels[i].narrow(0, 0, kSide * i / (kGlobalBatch - 1)).fill_(255);
  }
  return batch;
}

RunConfig tiny_config() {
  RunConfig config;
  config.model.backbone = BackboneKind::resnet18;
  config.model.panoptic_fpn = {.neck_channels = 32, .head_channels = 32};
  config.model.bn_mode = BatchNormMode::frozen;
  config.optim.lr = 0.1;
  config.optim.schedule.kind = ScheduleKind::constant;
  config.streams["source"].global_batch = kGlobalBatch;
  return config;
}

/// State of rank 0 after one step on `ranks` ranks.
StepResult one_step(int ranks, const RunConfig& config, const StreamBatch& global) {
  return test::one_step(ranks, config, {{"source", global}});
}

/// Every tensor differs by `tolerance` of its norm at most.
void expect_same(const StepResult& found, const StepResult& expected, double tolerance) {
  for (const auto& [name, value] : expected.after) {
    const at::Tensor wanted = value.to(torch::kFloat64);
    const double difference =
        (found.after.at(name).to(torch::kFloat64) - wanted).norm().item<double>();
    EXPECT_LE(difference, tolerance * std::max(1e-3, wanted.norm().item<double>())) << name;
  }
}

/// How far several ranks may be from one. Statistics of all ranks are summed in another order than
/// those of one, so that with `sync` a ReLU near zero may fall on the other side: its gradient is
/// then another one, however small the difference was. (With statistics of each rank alone most
/// gradients differ by 0.2 to 1.5 of their length.)
struct OneStepCase {
  BatchNormMode mode;
  double tolerance;
};

class OneStep : public testing::TestWithParam<OneStepCase> {};

TEST_P(OneStep, IsTheSameOnOneTwoAndThreeRanks) {
  RunConfig config = tiny_config();
  config.model.bn_mode = GetParam().mode;
  const StreamBatch global = global_batch();
  const StepResult one = one_step(1, config, global);
  EXPECT_GT(one.losses.at("loss"), 1.0);
  int moved = 0;
  for (const auto& [name, value] : one.after) {
    moved += torch::equal(value, one.before.at(name)) ? 0 : 1;
  }
  EXPECT_GT(moved, 60);  // the step did something to nearly all tensors
  for (const int ranks : {2, 3}) {
    const StepResult many = one_step(ranks, config, global);
    EXPECT_NEAR(many.losses.at("loss"), one.losses.at("loss"), 1e-5);
    expect_same(many, one, GetParam().tolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(SourceOnly, OneStep,
                         testing::Values(OneStepCase{BatchNormMode::frozen, 1e-5},
                                         OneStepCase{BatchNormMode::sync, 2e-2}));

/// Drop path and dropout draw by sample: several ranks leave out what one does.
TEST(SourceOnly, DrawsAreTheSameOnOneTwoAndThreeRanks) {
  RunConfig config = tiny_config();
  config.model.architecture = Architecture::daformer;
  config.model.backbone = BackboneKind::mit_b0;
  config.model.mix_transformer.drop_path = 0.5;
  config.model.daformer_head = {.embed_channels = 16, .channels = 16, .dropout = 0.5};
  const StreamBatch global = global_batch();
  const StepResult one = one_step(1, config, global);
  RunConfig quiet = config;
  quiet.model.mix_transformer.drop_path = 0;
  quiet.model.daformer_head.dropout = 0;
  const double effect =
      std::abs(one_step(1, quiet, global).losses.at("loss") - one.losses.at("loss"));
  EXPECT_GT(effect, 1e-4);
  for (const int ranks : {2, 3}) {
    const StepResult many = one_step(ranks, config, global);
    EXPECT_NEAR(many.losses.at("loss"), one.losses.at("loss"), 0.05 * effect) << ranks;
  }
}

/// Three ranks whose gradients travel as bfloat16 move the weights by almost the same amount: eight
/// bits of precision in each part and in the sum.
TEST(SourceOnly, GradientsMayTravelCompressed) {
  RunConfig config = tiny_config();
  const StreamBatch global = global_batch();
  const StepResult exact = one_step(3, config, global);
  config.train.gradient_compression = GradientCompression::bf16;
  const StepResult rounded = one_step(3, config, global);
  const std::string name = "segmenter/backbone.conv1.weight";
  const at::Tensor moved = exact.after.at(name) - exact.before.at(name);
  const double error = (rounded.after.at(name) - exact.after.at(name)).norm().item<double>();
  EXPECT_GT(error, 0) << "nothing was rounded";
  EXPECT_LE(error, 0.02 * moved.norm().item<double>());
}

TEST(SourceOnly, BatchNormStatisticsAreEqualOnAllRanksAfterAStep) {
  RunConfig config = tiny_config();
  config.model.bn_mode = BatchNormMode::train;
  const StreamBatch global = global_batch();
  // Means of the running means: local statistics averaged over two ranks equal those of one rank
  // with the whole batch, since the mean is linear.
  const StepResult one = one_step(1, config, global);
  const StepResult two = one_step(2, config, global);
  const std::string name = "segmenter/backbone.bn1.running_mean";
  EXPECT_TRUE(torch::allclose(one.after.at(name), two.after.at(name), 1e-4, 1e-5));
  EXPECT_FALSE(torch::equal(one.after.at(name), one.before.at(name)));
}

TEST(SourceOnly, TrainsTheAuxiliaryHeadWhereTheArchitectureHasOne) {
  RunConfig config = tiny_config();
  config.model.architecture = Architecture::deeplab_v2;
  config.model.backbone = BackboneKind::resnet50;
  config.model.deeplab_v2 = {.form = DeepLabV2Form::caffe, .aspp_branches = 2};
  config.optim.lr = 1e-3;
  config.optim.weight_decay = 0;  // moves weights without a gradient, too
  const StreamBatch global = global_batch();
  const StepResult one = one_step(1, config, global);
  const StepResult two = one_step(2, config, global);
  EXPECT_GT(one.losses.at("auxiliary_loss"), 0.5);
  for (const char* name :
       {"segmenter/layer5.conv2d_list.0.weight", "segmenter/layer6.conv2d_list.1.bias",
        "segmenter/backbone.layer3.5.conv2.weight"}) {
    const at::Tensor moved = one.after.at(name) - one.before.at(name);
    EXPECT_GT(moved.norm().item<double>(), 0) << name;
    const double difference = (two.after.at(name) - one.after.at(name)).norm().item<double>();
    EXPECT_LE(difference, 1e-4 * moved.norm().item<double>()) << name;
  }
  // Two of four branches take part.
  const char* const unused = "segmenter/layer5.conv2d_list.2.weight";
  EXPECT_TRUE(torch::equal(one.after.at(unused), one.before.at(unused)));
}

/// hrda's detail crop has a tenth of the loss, and lies at the same place on any number of ranks.
TEST(SourceOnly, TrainsHrdaWithADetailCrop) {
  RunConfig config = tiny_config();
  config.model.architecture = Architecture::hrda;
  config.model.backbone = BackboneKind::mit_b0;
  config.model.daformer_head = {.embed_channels = 16, .channels = 16};
  config.model.scale_attention = {.channels = 16};
  config.optim.weight_decay = 0;
  StreamBatch global = global_batch();
  const auto moved = [&](int ranks, double share) {
    config.loss.hr_loss_weight = share;
    const StepResult result = one_step(ranks, config, global);
    EXPECT_GT(result.losses.at("detail_loss"), 1.0);
    std::map<std::string, at::Tensor> change;
    for (const char* name : {"hrda_scale_attention.linear_pred.weight", "head.conv_seg.weight"}) {
      const std::string key = std::string("segmenter/") + name;
      change[name] = result.after.at(key) - result.before.at(key);
    }
    return change;
  };
  const auto whole = moved(1, 0), detail = moved(1, 1), both = moved(1, 0.1);
  for (const auto& [name, value] : both) {
    const double length = value.norm().item<double>();
    EXPECT_GT(length, 0) << name;
    const at::Tensor expected = 0.9 * whole.at(name) + 0.1 * detail.at(name);
    EXPECT_LE((expected - value).norm().item<double>(), 1e-3 * length) << name;
    EXPECT_LE((moved(3, 0.1).at(name) - value).norm().item<double>(), 1e-3 * length) << name;
  }
  EXPECT_EQ(detail.at("hrda_scale_attention.linear_pred.weight").abs().max().item<double>(), 0)
      << "the detail's own logits do not pass through the attention";

  // The mean of the detail's loss is over the labelled pixels of the crop.
  Random random(0, {0});  // of seed 0, step 0
  const CropBox box = draw_detail_box(kSide, kSide, random);
  const at::Tensor outside = at::full_like(global.labels, 255);
  outside.narrow(1, box.top, box.height)
      .narrow(2, box.left, box.width)
      .copy_(global.labels.narrow(1, box.top, box.height).narrow(2, box.left, box.width));
  global.labels = outside;
  const char* const head = "head.conv_seg.weight";
  const double difference = (moved(1, 1).at(head) - detail.at(head)).norm().item<double>();
  EXPECT_LE(difference, 1e-5 * detail.at(head).norm().item<double>());
}

TEST(SourceOnly, AStepThatIsNotFiniteIsLeftOutOnAllRanks) {
  const RunConfig config = tiny_config();
  StreamBatch global = global_batch();
  global.images[kGlobalBatch - 2][0][60][60] = std::numeric_limits<float>::infinity();
  const StepResult result = one_step(3, config, global);
  EXPECT_EQ(result.state.skipped, 1);
  for (const auto& [name, value] : result.after) {
    if (name.find("running_") != std::string::npos) continue;
    EXPECT_TRUE(torch::equal(value, result.before.at(name))) << name;
  }
}

/// `global_batch` in two streams of 3, the second one with the other half of the samples.
std::map<std::string, StreamBatch> two_streams() {
  const StreamBatch all = global_batch();
  std::map<std::string, StreamBatch> streams;
  for (const auto& [name, first] : {std::pair{"pseudo", 0}, std::pair{"source", 3}}) {
    streams[name].images = all.images.narrow(0, first, 3).contiguous();
    streams[name].labels = all.labels.narrow(0, first, 3).contiguous();
  }
  return streams;
}

RunConfig two_stream_config() {
  RunConfig config = tiny_config();
  config.method = "self_training";
  config.streams["pseudo"] = config.streams["source"];
  for (auto& [name, stream] : config.streams) stream.global_batch = 3;
  return config;
}

TEST(SelfTraining, StreamsAreOneBatchOnAnyNumberOfRanks) {
  const StepResult together = one_step(1, tiny_config(), global_batch());
  for (const int ranks : {1, 3}) {
    const StepResult apart = test::one_step(ranks, two_stream_config(), two_streams());
    EXPECT_NEAR(apart.losses.at("loss"), together.losses.at("loss"), 1e-5);
    expect_same(apart, together, 1e-5);
    EXPECT_GT(std::abs(apart.losses.at("loss/pseudo") - apart.losses.at("loss/source")), 1e-3);
  }
}

TEST(SelfTraining, TellsSamplesOfTwoStreamsApart) {
  RunConfig config = two_stream_config();
  config.model.architecture = Architecture::daformer;
  config.model.backbone = BackboneKind::mit_b0;
  config.model.daformer_head = {.embed_channels = 16, .channels = 16, .dropout = 0.5};
  auto streams = two_streams();
  streams["pseudo"] = streams["source"];  // the same pictures at the same places
  const StepResult one = test::one_step(1, config, streams);
  EXPECT_GT(std::abs(one.losses.at("loss/pseudo") - one.losses.at("loss/source")), 1e-5);
  const StepResult three = test::one_step(3, config, streams);
  EXPECT_NEAR(three.losses.at("loss"), one.losses.at("loss"), 1e-6);
}

TEST(SelfTraining, TakesTheConfiguredLoss) {
  RunConfig config = two_stream_config();
  const double plain = test::one_step(1, config, two_streams()).losses.at("loss");
  config.loss = {.kind = LossKind::combined, .combined_alpha = 0.75, .focal_alpha = 0};
  EXPECT_NEAR(test::one_step(1, config, two_streams()).losses.at("loss"), 0.75 * plain, 1e-5);
  config.loss = {.kind = LossKind::focal, .focal_alpha = 0.5, .focal_gamma = 0};
  EXPECT_NEAR(test::one_step(1, config, two_streams()).losses.at("loss"), 0.5 * plain, 1e-5);
}

TEST(SelfTraining, NeedsLabelsAndOneSize) {
  RunConfig config = two_stream_config();
  config.streams["pseudo"].augment.crop_width = 128;
  EXPECT_THROW((void)test::one_step(1, config, two_streams()), ConfigError);
  for (auto& [name, stream] : config.streams) stream.labels = false;
  EXPECT_THROW((void)test::one_step(1, config, two_streams()), ConfigError);
}

TEST(MakeMethod, UnknownNameListsTheKnownOnes) {
  RunConfig config = tiny_config();
  config.method = "sauce_only";
  try {
    (void)one_step(1, config, global_batch());
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("source_only"), std::string::npos);
  }
}

TEST(SourceOnly, NeedsALabelledSource) {
  RunConfig config = tiny_config();
  config.streams["source"].labels = false;
  EXPECT_THROW((void)one_step(1, config, global_batch()), ConfigError);
  config.streams.clear();
  EXPECT_THROW((void)one_step(1, config, global_batch()), ConfigError);
}

}  // namespace
}  // namespace dusk
