// The methods unit and cyclegan: a step against Python's, on 1, 2 and 3 ranks, and after a resume.

#include <gtest/gtest.h>
#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/data/pixel_values.hpp"
#include "dusk/nn/weights.hpp"
#include "dusk/train/checkpoint_store.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"
#include "unit/methods/method_run.hpp"
#include "unit/nn/golden_file.hpp"

namespace dusk {
namespace {

using test::MethodRun;
using test::StepResult;

constexpr std::int64_t kGlobalBatch = 6;
constexpr std::int64_t kHeight = 64;
constexpr std::int64_t kWidth = 72;

/// Networks of a few channels. Plain SGD: Adam's first step is the gradient's sign, which for a
/// bias before a norm (true gradient 0) is the sign of a rounding error.
RunConfig tiny_config(const std::string& method) {
  RunConfig config;
  config.method = method;
  config.seed = 5;
  for (const char* name : {"source", "target"}) {
    StreamOptions& stream = config.streams[name];
    stream.global_batch = kGlobalBatch;
    stream.labels = false;
    stream.augment.crop_height = kHeight;
    stream.augment.crop_width = kWidth;
  }
  config.unit.translator = {.width = 4, .residual_blocks = 1};
  config.unit.discriminator = {.width = 4, .norm = UnitDiscriminatorNorm::layer};
  config.cyclegan.generator = {.width = 4, .residual_blocks = 2};
  config.cyclegan.discriminator = {.width = 4};
  for (OptimOptions* optim :
       {&config.translator.generator_optim, &config.translator.discriminator_optim}) {
    optim->kind = OptimizerKind::sgd;
    optim->lr = 0.01;
    optim->weight_decay = 0;
    optim->sgd.momentum = 0;
  }
  return config;
}

std::map<std::string, StreamBatch> pictures(std::int64_t samples, std::uint64_t first_position) {
  std::map<std::string, StreamBatch> streams;
  for (const char* name : {"source", "target"}) {
    streams[name].images = from_symmetric(test::closed_form(name, {samples, 3, kHeight, kWidth}));
    streams[name].first_position = first_position;
  }
  return streams;
}

/// Gives the networks closed forms and remembers the parameters, in order.
class ClosedForms : public StateVisitor {
 public:
  void tensors(std::string_view group, const std::vector<NamedTensor>& tensors) override {
    const at::NoGradGuard no_grad;
    for (const NamedTensor& entry : tensors) {
      if (!entry.is_parameter) continue;
      entry.tensor.copy_(test::closed_form_weight(entry.name, entry.tensor, /*bias=*/0));
      parameters[std::string(group)].push_back(entry);
    }
  }
  void integer(std::string_view /*name*/, std::int64_t& /*value*/) override {}
  void real(std::string_view /*name*/, double& /*value*/) override {}

  std::map<std::string, std::vector<NamedTensor>> parameters;
};

class Translators : public testing::TestWithParam<std::string> {};

TEST_P(Translators, StepAsPythonDoes) {
  const test::GoldenFile golden("translator_steps");
  RunConfig config = tiny_config(GetParam());
  config.translator.channels_last = false;
  config.translator.pool = 50;  // not full after one step: everything is new
  test::run_method(1, config, [&](MethodRun& run) {
    ClosedForms networks;
    run.method.visit(networks);
    Batch batch;
    for (auto& [name, stream] : pictures(2, 12)) batch.streams[name] = stream;
    run.method.step(batch, run.context);
    const auto losses = run.context.take_records();
    for (const char* loss : {"loss", "discriminator_loss"}) {
      const double expected = golden.stored(GetParam() + "." + loss).item<double>();
      EXPECT_NEAR(losses.at(loss), expected, 1e-5 * expected) << loss;
    }
    for (const char* group : {"generators", "discriminators"}) {
      SCOPED_TRACE(group);
      golden.expect_gradients(GetParam() + "." + group, networks.parameters.at(group), 1e-5);
    }
  });
}

TEST_P(Translators, StepIsTheSameOnOneTwoAndThreeRanks) {
  RunConfig config = tiny_config(GetParam());
  config.translator.pool = 3;  // full within the step, so that old translations are shown
  const auto global = pictures(kGlobalBatch, 4 * kGlobalBatch);
  // Not from biases of 0: what they become is a gradient, whose rounding nothing hides.
  const auto fill = [](Method& method) {
    ClosedForms networks;
    method.visit(networks);
  };
  const StepResult one = test::one_step(1, config, global, fill);
  std::size_t moved = 0;
  for (const auto& [name, value] : one.after) {
    if (!torch::equal(value, one.before.at(name))) ++moved;
  }
  EXPECT_GT(4 * moved, 3 * one.after.size());  // biases before a norm need not
  for (const int ranks : {2, 3}) {
    const StepResult many = test::one_step(ranks, config, global, fill);
    for (const auto& [name, value] : one.losses) {
      EXPECT_NEAR(many.losses.at(name), value, 1e-5 * value) << ranks << " ranks, " << name;
    }
    for (const auto& [name, value] : one.after) {
      const at::Tensor expected = value.to(torch::kFloat64);
      const double difference =
          (many.after.at(name).to(torch::kFloat64) - expected).norm().item<double>();
      EXPECT_LE(difference, 1e-5 * expected.norm().item<double>()) << ranks << " ranks, " << name;
    }
  }
}

void train(MethodRun& run, std::int64_t until) {
  for (; run.state.step < until; ++run.state.step) {
    Batch batch;
    const auto position = static_cast<std::uint64_t>(2 * run.state.step);
    for (auto& [name, stream] : pictures(2, position)) batch.streams[name] = stream;
    run.method.step(batch, run.context);
  }
}

TEST_P(Translators, ResumeGivesTheSameBytes) {
  RunConfig config = tiny_config(GetParam());
  config.translator.pool = 3;
  config.translator.generator_optim = config.translator.discriminator_optim =
      TranslatorOptions::adam();
  std::map<std::string, at::Tensor> straight, resumed;
  test::run_method(1, config, [&](MethodRun& run) {
    train(run, 4);
    straight = test::tensors_of(run.method);
  });
  const test::TempFolder folder;
  Log log{LogOptions{.console = LogLevel::off, .file = {}, .prefix = {}}};
  test::run_method(1, config, [&](MethodRun& run) {
    train(run, 3);
    CheckpointStore(folder.path(), 1, log).save(run.state, run.method);
  });
  test::run_method(1, config, [&](MethodRun& run) {
    load_checkpoint(folder / "step-00000003", run.state, run.method);
    train(run, 4);
    resumed = test::tensors_of(run.method);
  });
  ASSERT_EQ(straight.size(), resumed.size());
  for (const auto& [name, value] : straight) {
    EXPECT_TRUE(torch::equal(value, resumed.at(name))) << name;
  }
}

TEST_P(Translators, TranslateWithoutNoiseAndShowIt) {
  const RunConfig config = tiny_config(GetParam());
  test::run_method(1, config, [&](MethodRun& run) {
    const at::NoGradGuard no_grad;
    TranslationMethod& method = as_translation(run.method, config.method);
    EXPECT_THROW((void)as_segmentation(run.method, config.method), ConfigError);
    method.set_training(false);
    Batch batch;
    for (auto& [name, stream] : pictures(3, 0)) batch.streams[name] = stream;
    const at::Tensor& images = batch.stream("source").images;
    const at::Tensor night = method.translate(images, Direction::forward);
    EXPECT_EQ(night.sizes(), images.sizes());
    EXPECT_LE(to_symmetric(night).abs().max().item<double>(), 1 + 1e-6);
    EXPECT_GT((night - images).abs().mean().item<double>(), 0.01);
    // No row sees another.
    EXPECT_LT((method.translate(images.narrow(0, 1, 1), Direction::forward) - night.narrow(0, 1, 1))
                  .abs()
                  .max()
                  .item<double>(),
              1e-4);
    const at::Tensor sheet = method.sheet(batch, 2);
    EXPECT_EQ(sheet.sizes(), at::IntArrayRef({4, 4, 3, kHeight, kWidth}));
    EXPECT_LT((sheet[1][0] - images[1]).abs().max().item<double>(), 1e-5);
    EXPECT_LT((sheet[1][1] - night[1]).abs().max().item<double>(), 1e-4);
    const at::Tensor back = method.translate(night, Direction::backward);
    EXPECT_LT((sheet[0][3] - back[0]).abs().max().item<double>(), 1e-4);
    EXPECT_LT((sheet[2][0] - batch.stream("target").images[0]).abs().max().item<double>(), 1e-5);
    const at::Tensor odd = images.narrow(3, 0, 70);
    EXPECT_EQ(method.stride(), 4);
    EXPECT_THROW((void)method.translate(odd, Direction::forward), ConfigError);
  });
}

TEST_P(Translators, RefuseWhatTheyCannotTrainOn) {
  const auto message = [](const RunConfig& config) {
    return test::message_of<ConfigError>([&] { test::run_method(1, config, [](MethodRun&) {}); });
  };
  RunConfig config = tiny_config(GetParam());
  config.streams.erase("target");
  test::expect_contains(message(config), "'target' is missing");
  config = tiny_config(GetParam());
  config.streams["source"].augment.crop_width = 70;
  test::expect_contains(message(config), "streams.source.augment: a crop of 64x70");
  config.streams["source"].augment.crop_width = 16;
  test::expect_contains(message(config), "at least");
}

INSTANTIATE_TEST_SUITE_P(Methods, Translators, testing::Values("unit", "cyclegan"),
                         [](const auto& method) { return method.param; });

/// Each term with a weight of its own: what the total must be.
TEST(Unit, WeighsItsTerms) {
  RunConfig config = tiny_config("unit");
  config.translator.unit_loss = {.adversarial = 0.5,
                                 .reconstruction = 3,
                                 .kl = 0.7,
                                 .cycle = 2,
                                 .cycle_kl = 0.3,
                                 .kl_direct_double = true};
  const StepResult result = test::one_step(1, config, pictures(kGlobalBatch, 0));
  // A record is the mean over the terms of its name: over the pixels of both domains, which are
  // equally many, but over the scores of all scales, which are not.
  const auto& loss = result.losses;
  const double without_scores = 3 * 2 * loss.at("reconstruction_loss") +
                                (0.7 + 0.3) * 2 * loss.at("kl_loss") +
                                2 * 2 * loss.at("cycle_loss") + 0.3 * 2 * loss.at("cycle_kl_loss");
  config.translator.unit_loss.adversarial = 0;
  const StepResult silent = test::one_step(1, config, pictures(kGlobalBatch, 0));
  EXPECT_NEAR(silent.losses.at("loss"), without_scores, 1e-5 * without_scores);
  EXPECT_GT(loss.at("loss"), without_scores);
  EXPECT_EQ(silent.losses.at("discriminator_loss"), 0);
}

/// A perceptual loss that has a weight and no network is off.
TEST(Unit, GoesOnWithoutPerceptualWeights) {
  RunConfig config = tiny_config("unit");
  config.translator.perceptual.weight = 1;
  const StepResult result = test::one_step(1, config, pictures(kGlobalBatch, 0));
  EXPECT_FALSE(result.losses.contains("perceptual_loss"));
}

TEST(Unit, ComparesFeaturesOfAnEncoder) {
  const test::TempFolder folder;
  SegmenterOptions form;
  form.backbone = BackboneKind::mobilenet_v2;
  const auto segmenter = make_segmenter(form, 2, {.seed = 3});
  std::vector<TensorRecord> records;
  std::vector<at::Tensor> kept;
  for (const NamedTensor& entry : named_state(*segmenter)) {
    kept.push_back(row_major_on_cpu(entry.tensor.detach()));
    records.push_back(to_record({entry.name, kept.back(), entry.is_parameter}));
  }
  write_safetensors(folder / "segmenter.safetensors", records, {});
  RunConfig config = tiny_config("unit");
  config.translator.perceptual = {.weight = 1,
                                  .network = PerceptualNetwork::encoder,
                                  .weights = folder / "segmenter.safetensors",
                                  .encoder = BackboneKind::mobilenet_v2,
                                  .level = 1};
  const auto global = pictures(kGlobalBatch, 0);
  const StepResult one = test::one_step(1, config, global);
  EXPECT_GT(one.losses.at("perceptual_loss"), 0.01);
  const StepResult two = test::one_step(2, config, global);
  EXPECT_NEAR(two.losses.at("perceptual_loss"), one.losses.at("perceptual_loss"), 1e-5);
  config.translator.perceptual.level = 9;
  EXPECT_THROW((void)test::one_step(1, config, global), ConfigError);
}

}  // namespace
}  // namespace dusk
