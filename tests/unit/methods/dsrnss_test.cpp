// The whole of method dsrnss: order of the backward passes, ranks, resume, and a short run. Its
// parts have tests of their own.

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/train/checkpoint_store.hpp"
#include "support/temp_folder.hpp"
#include "unit/methods/method_run.hpp"

namespace dusk {
namespace {

using Streams = std::map<std::string, StreamBatch>;
using Tensors = std::map<std::string, at::Tensor>;

constexpr std::int64_t kGlobalBatch = 6;

/// Crops of which the coarsest features are 2 x 2.
std::int64_t side_of(const RunConfig& config) {
  return config.model.architecture == Architecture::hrda ? 128 : 64;
}

/// (n, side, side) in blocks of 16 pixels, of which a quarter of each picture is one class.
at::Tensor blocks_of_labels(std::int64_t n, std::int64_t side, std::int64_t classes) {
  at::Tensor labels = torch::randint(classes, {n, side / 16, side / 16}, torch::kInt64);
  labels = labels.repeat_interleave(16, 1).repeat_interleave(16, 2).contiguous();
  for (std::int64_t i = 0; i < n; ++i) {
    labels[i].narrow(0, 0, side / 2).narrow(1, side / 2, side / 2).fill_(6 + i % 5);
    labels[i].narrow(0, side - 4 * i, 4 * i).fill_(255);
  }
  return labels;
}

/// Another pair of batches for every step. To be made by one thread.
Streams batches(std::int64_t step, std::int64_t n, std::int64_t side, std::int64_t classes = 11) {
  torch::manual_seed(static_cast<std::uint64_t>(7 + step));
  Streams streams;
  StreamBatch& source = streams["source"];
  source.labels = blocks_of_labels(n, side, classes);
  // Pictures that show their labels.
  source.images =
      torch::randn({n, 3, side, side}) * 0.2 + (source.labels.unsqueeze(1).to(torch::kFloat) *
                                                torch::tensor({1.0, 2.3, 3.1}).view({1, 3, 1, 1}))
                                                   .sin();
  StreamBatch& target = streams["target"];
  target.images = torch::randn({n, 3, side, side});
  target.pictures["reference"] = target.images + 0.3 * torch::randn({n, 3, side, side});
  for (auto& [name, stream] : streams) stream.first_position = static_cast<std::uint64_t>(n * step);
  return streams;
}

/// The smallest one.
BackboneKind backbone_of(Architecture architecture) {
  switch (architecture) {
    case Architecture::daformer:
    case Architecture::hrda:
      return BackboneKind::mit_b0;
    case Architecture::deeplab_v2:
      return BackboneKind::resnet50;
    default:
      return BackboneKind::resnet18;
  }
}

/// Everything on, also what a published run would start later.
RunConfig config_of(Architecture architecture) {
  RunConfig config;
  config.method = "dsrnss";
  config.model.architecture = architecture;
  config.model.backbone = backbone_of(architecture);
  config.model.panoptic_fpn = {.neck_channels = 32, .head_channels = 32};
  config.model.mix_transformer.drop_path = 0.3;
  config.model.daformer_head = {.embed_channels = 16, .channels = 16, .dropout = 0.3};
  config.model.scale_attention = {.channels = 16};
  config.model.bn_mode = BatchNormMode::frozen;
  config.optim.kind = OptimizerKind::sgd;  // its first momentum is the gradient
  config.optim.lr = 0.01;
  config.optim.weight_decay = 0;
  config.optim.schedule.kind = ScheduleKind::constant;
  for (const char* name : {"source", "target"}) {
    StreamOptions& stream = config.streams[name];
    stream.global_batch = kGlobalBatch;
    stream.augment.crop_height = stream.augment.crop_width = static_cast<int>(side_of(config));
  }
  config.streams["target"].labels = false;
  config.streams["target"].pair = true;
  DsrnssOptions& options = config.dsrnss;
  options.alignment.mode = AlignmentMode::identity;
  options.mixing.pseudo_threshold = 0.5;
  options.bank.period = 2;
  options.fpa.start = Span::steps(0);
  options.fpa.beta = 0.5;
  options.feature_distance.lambda = 0.5;
  options.classes = {.large_static = {"sky", "building", "road", "pavement", "tree", "fence"},
                     .small = {"pole", "sign/symbol"},
                     .dynamic = {"car", "pedestrian", "bicyclist"},
                     .long_tail = {"pedestrian", "bicyclist"},
                     .distance = {"sign/symbol", "car", "pedestrian", "bicyclist"}};
  return config;
}

/// What `steps` steps on `ranks` ranks leave behind.
struct Outcome {
  Tensors state;
  std::map<std::string, double> losses;  ///< means over the steps
  /// Gradients of a first step, by the names of the parameters.
  [[nodiscard]] Tensors gradients() const {
    Tensors found;
    const std::string prefix = "segmenter-optimizer/momentum.";
    for (const auto& [name, value] : state) {
      if (name.starts_with(prefix)) found[name.substr(prefix.size())] = value;
    }
    return found;
  }
};

/// Global batches of the first steps.
std::vector<Streams> first_batches(const RunConfig& config, int steps) {
  std::vector<Streams> all;
  const std::int64_t samples = config.streams.at("source").global_batch;
  for (int step = 0; step < steps; ++step) {
    all.push_back(batches(step, samples, side_of(config)));
  }
  return all;
}

/// From where the run is to step `until`.
void take_steps(test::MethodRun& run, const std::vector<Streams>& all, std::size_t until) {
  for (; run.state.step < static_cast<std::int64_t>(until); ++run.state.step) {
    Batch batch;
    for (const auto& [name, stream] : all[static_cast<std::size_t>(run.state.step)]) {
      batch.streams[name] = run.share(stream);
    }
    run.method.step(batch, run.context);
  }
}

/// Makes a network that knows nothing sure of something, so that it counts which pixels are sure;
/// and lets residual branches take part that start with a scale of 0.
class Confidence : public StateVisitor {
 public:
  void tensors(std::string_view group, const std::vector<NamedTensor>& tensors) override {
    if (group != "segmenter") return;
    for (const NamedTensor& entry : tensors) {
      if (entry.name == "head.conv_seg.weight") entry.tensor.detach().mul_(100);
      if (entry.name.ends_with(".bn3.weight")) entry.tensor.detach().fill_(1);
    }
  }
  void integer(std::string_view /*name*/, std::int64_t& /*value*/) override {}
  void real(std::string_view /*name*/, double& /*value*/) override {}
};

Outcome run(int ranks, const RunConfig& config, int steps = 1) {
  Outcome outcome;
  const std::vector<Streams> all = first_batches(config, steps);
  test::run_method(ranks, config, [&](test::MethodRun& run) {
    Confidence confidence;
    run.method.visit(confidence);
    take_steps(run, all, all.size());
    auto losses = run.context.take_records();
    auto state = test::tensors_of(run.method);
    if (run.is_first()) outcome = {std::move(state), std::move(losses)};
  });
  return outcome;
}

double distance(const Tensors& a, const Tensors& b) {
  EXPECT_EQ(a.size(), b.size());
  double square = 0, scale = 0;
  for (const auto& [name, value] : a) {
    square += (value.to(at::kDouble) - b.at(name).to(at::kDouble)).square().sum().item<double>();
    scale += value.to(at::kDouble).square().sum().item<double>();
  }
  return std::sqrt(square / scale);
}

class OnArchitectures : public testing::TestWithParam<Architecture> {};
INSTANTIATE_TEST_SUITE_P(Dsrnss, OnArchitectures,
                         testing::Values(Architecture::panoptic_fpn, Architecture::daformer,
                                         Architecture::hrda));

/// All tensors but those that `skipped` begins the names of.
void expect_same(const Outcome& found, const Outcome& expected, const std::string& skipped) {
  for (const auto& [name, loss] : expected.losses) {
    EXPECT_NEAR(found.losses.at(name), loss, 1e-5 * std::max(1.0, loss)) << name;
  }
  for (const auto& [name, value] : expected.state) {
    if (!skipped.empty() && name.starts_with(skipped)) continue;
    const double scale = std::max(1e-2, value.to(at::kDouble).norm().item<double>());
    const double error =
        (found.state.at(name).to(at::kDouble) - value.to(at::kDouble)).norm().item<double>();
    EXPECT_LE(error, 1e-5 * scale) << name;
  }
}

/// Gradients of one step; and what three of them make of the networks, where the bank holds older
/// batches, the teacher is not the student, and the student not what it was.
TEST_P(OnArchitectures, MakesTheSameStepsOnOneTwoAndThreeRanks) {
  RunConfig config = config_of(GetParam());
  config.optim.lr = 1e-4;  // over several steps a ReLU may fall on its other side
  const Outcome first = run(1, config, 1);
  const Outcome third = run(1, config, 3);
  for (const char* name : {"source_loss", "mixed_loss", "prototype_loss", "pseudo_label_weight"}) {
    EXPECT_GT(first.losses.at(name), 1e-3) << name << ": a part that does nothing proves nothing";
  }
  EXPECT_GT(third.losses.at("feature_distance"), 1e-3);
  EXPECT_LT(first.losses.at("pseudo_label_weight"), 0.999);
  for (const int ranks : {2, 3}) {
    SCOPED_TRACE(ranks);
    expect_same(run(ranks, config, 1), first, "");
    expect_same(run(ranks, config, 3), third, "segmenter-optimizer");
  }
}

/// HRDA's teacher normalises with the statistics of all ranks' pictures in all windows.
TEST(Dsrnss, TeacherTakesBatchStatisticsOfAllRanks) {
  RunConfig config = config_of(Architecture::hrda);
  config.model.bn_mode = BatchNormMode::sync;
  const Tensors one = run(1, config).state, three = run(3, config).state;
  int compared = 0;
  for (const auto& [name, value] : one) {
    if (!name.starts_with("teacher/") || !name.ends_with(".running_var")) continue;
    EXPECT_LE((three.at(name) - value).norm().item<double>(), 1e-5 * value.norm().item<double>())
        << name;
    EXPECT_GT((value - 1).abs().max().item<double>(), 1e-3) << name << " was not moved";
    ++compared;
  }
  EXPECT_EQ(compared, 9);
}

class Forms : public testing::TestWithParam<Architecture> {};
INSTANTIATE_TEST_SUITE_P(Dsrnss, Forms,
                         testing::Values(Architecture::panoptic_fpn, Architecture::daformer,
                                         Architecture::hrda, Architecture::deeplab_v2,
                                         Architecture::refinenet));

/// Separate backward passes over leaves are one backward pass of the sum.
TEST_P(Forms, LowMemoryFormHasTheGradientsOfTheDirectForm) {
  const bool is_large =
      GetParam() == Architecture::deeplab_v2 || GetParam() == Architecture::refinenet;
  for (const bool aligns : {true, false}) {
    if (is_large && !aligns) continue;  // seconds; nothing here depends on the network
    RunConfig config = config_of(GetParam());
    config.dsrnss.fpa.night_grad = aligns;
    if (is_large) {
      config.model.bn_mode = BatchNormMode::train;
      for (auto& [name, stream] : config.streams) stream.global_batch = 2;
    }
    if (!aligns) config.dsrnss.fpa.start = Span::steps(5);
    const Tensors low = run(1, config).gradients();
    config.dsrnss.form = DsrnssForm::direct;
    const Tensors direct = run(1, config).gradients();
    EXPECT_LE(distance(direct, low), 1e-5);
    for (const auto& [name, gradient] : direct) {
      EXPECT_GT(gradient.abs().max().item<double>(), 0) << name;
    }
  }
}

/// Gradients of the terms add up: one with other weights is a combination of those of single terms.
TEST(Dsrnss, GradientIsLinearInTheWeights) {
  const auto gradients = [](double alpha, double beta) {
    RunConfig config = config_of(Architecture::panoptic_fpn);
    config.dsrnss.alpha = alpha;
    config.dsrnss.fpa.beta = beta;
    return run(1, config).gradients();
  };
  const auto combined = [](const Tensors& a, double factor, const Tensors& b) {
    Tensors sum;
    for (const auto& [name, value] : a) sum[name] = value + factor * b.at(name);
    return sum;
  };
  const Tensors source = gradients(0, 0);
  const Tensors mixed = combined(gradients(1, 0), -1, source);
  const Tensors aligned = combined(gradients(0, 1), -1, source);
  const Tensors all = gradients(0.5, 2);
  EXPECT_LE(distance(all, combined(combined(source, 0.5, mixed), 2, aligned)), 1e-4);
  EXPECT_GT(distance(all, combined(source, 0.5, mixed)), 0.01);
  EXPECT_GT(distance(all, combined(source, 2, aligned)), 0.01);
}

/// The source's term is source_only's with all pixels in the denominator.
TEST(Dsrnss, SourceLossCountsIgnoredPixels) {
  RunConfig config = config_of(Architecture::panoptic_fpn);
  config.dsrnss.alpha = 0;
  config.dsrnss.fpa.beta = 0;
  config.dsrnss.feature_distance.lambda = 0;
  const Tensors found = run(1, config).gradients();
  config.method = "source_only";
  Tensors expected = run(1, config).gradients();
  const at::Tensor labels = batches(0, kGlobalBatch, side_of(config)).at("source").labels;
  const double share = labels.ne(255).to(at::kDouble).mean().item<double>();
  ASSERT_LT(share, 0.95);
  for (auto& [name, gradient] : expected) gradient = gradient * share;
  EXPECT_LE(distance(expected, found), 1e-5);
}

TEST(Dsrnss, WithoutBetaTheAlignmentIsNotComputed) {
  RunConfig config = config_of(Architecture::panoptic_fpn);
  config.dsrnss.fpa.beta = 0;
  const Outcome off = run(1, config);
  EXPECT_FALSE(off.losses.contains("prototype_loss"));
  config.dsrnss.fpa.beta = 0.5;
  config.dsrnss.fpa.start = Span::steps(1);
  const Outcome later = run(1, config);
  for (const auto& [name, value] : off.state) {
    EXPECT_TRUE(at::equal(later.state.at(name), value)) << name;
  }
  EXPECT_TRUE(run(1, config, 2).losses.contains("prototype_loss"));
}

/// Passes over source, target and mixed pictures, the second of which may leave the statistics
/// alone.
TEST(Dsrnss, NightMovesTheStatisticsOfBatchNormsUnlessTheyAreHeld) {
  for (const bool aligns : {true, false}) {
    RunConfig config = config_of(Architecture::panoptic_fpn);
    config.model.bn_mode = BatchNormMode::train;
    if (!aligns) config.dsrnss.fpa.start = Span::steps(1);
    const Tensors moved = run(1, config).state;
    config.dsrnss.fpa.night_statistics = false;
    const Tensors held = run(1, config).state;
    const std::string norm = "segmenter/backbone.layer4.1.bn2.";
    EXPECT_EQ(moved.at(norm + "num_batches_tracked").item<std::int64_t>(), 3);
    EXPECT_EQ(held.at(norm + "num_batches_tracked").item<std::int64_t>(), 2);
    EXPECT_FALSE(at::equal(moved.at(norm + "running_mean"), held.at(norm + "running_mean")));
  }
}

/// Whatever a state was.
class Forgetter : public StateVisitor {
 public:
  void tensors(std::string_view /*group*/, const std::vector<NamedTensor>& tensors) override {
    for (const NamedTensor& entry : tensors) entry.tensor.detach().fill_(1);
  }
  void integer(std::string_view /*name*/, std::int64_t& value) override { value = 1; }
  void real(std::string_view /*name*/, double& value) override { value = 1; }
};

/// A checkpoint after two of three steps, continued by another method object that has read no
/// weights: where the features started is part of the state.
TEST(Dsrnss, ContinuesFromACheckpointWithTheSameBytes) {
  RunConfig config = config_of(Architecture::daformer);
  const std::vector<Streams> all = first_batches(config, 3);
  const test::TempFolder folder;
  Log log{LogOptions{.console = LogLevel::off, .file = {}, .prefix = {}}};
  const auto saved = [&](const char* name, std::size_t steps) {
    test::run_method(1, config, [&](test::MethodRun& run) {
      Confidence confidence;
      run.method.visit(confidence);
      take_steps(run, all, steps);
      CheckpointStore(folder.path() / name, 1, log).save(run.state, run.method);
    });
    return folder.path() / name / ("step-0000000" + std::to_string(steps));
  };
  config.model.pretrained = saved("pretrained", 1) / "segmenter.safetensors";
  const auto checkpoint = saved("run", 2);
  const Outcome straight = run(1, config, 3);
  config.model.pretrained.clear();
  Tensors resumed;
  test::run_method(1, config, [&](test::MethodRun& run) {
    Forgetter forgetter;
    run.state.visit(forgetter, run.method);
    load_checkpoint(checkpoint, run.state, run.method);
    take_steps(run, all, 3);
    resumed = test::tensors_of(run.method);
  });
  ASSERT_EQ(resumed.size(), straight.state.size());
  for (const auto& [name, value] : straight.state) {
    EXPECT_TRUE(at::equal(resumed.at(name), value)) << name;
  }
}

TEST(Dsrnss, RefusesStreamsThatAreNoPairs) {
  const auto expect_refused = [](const std::function<void(RunConfig&)>& change) {
    RunConfig config = config_of(Architecture::panoptic_fpn);
    change(config);
    EXPECT_THROW((void)run(1, config), ConfigError);
  };
  expect_refused([](RunConfig& c) { c.streams.erase("target"); });
  expect_refused([](RunConfig& c) { c.streams["source"].labels = false; });
  expect_refused([](RunConfig& c) { c.streams["target"].global_batch = 3; });
  expect_refused([](RunConfig& c) { c.streams["target"].augment.crop_width = 32; });
  expect_refused([](RunConfig& c) { c.streams["target"].pair = false; });
  expect_refused([](RunConfig& c) { c.streams["target"].pair_geometry = ViewGeometry::own; });
  expect_refused([](RunConfig& c) { c.dsrnss.classes.small = {"lamp"}; });
  expect_refused([](RunConfig& c) {
    c.model.architecture = Architecture::pspnet;
    c.model.backbone = BackboneKind::resnet50;
  });
}

TEST(Dsrnss, NeedsNoDayPicturesWithoutAlignment) {
  RunConfig config = config_of(Architecture::panoptic_fpn);
  config.streams["target"].pair = false;
  config.dsrnss.alignment.mode = AlignmentMode::off;
  EXPECT_GT(run(1, config).losses.at("mixed_loss"), 0);
}

/// Spec section 13, "smoke run": 20 steps on pictures that show their labels.
class SmokeRun : public testing::TestWithParam<Architecture> {};
INSTANTIATE_TEST_SUITE_P(Dsrnss, SmokeRun,
                         testing::Values(Architecture::daformer, Architecture::hrda));

TEST_P(SmokeRun, LearnsTheSourceAndMovesEverything) {
  constexpr std::int64_t kSmokeSide = 128;
  RunConfig config = config_of(GetParam());
  config.model.bn_mode = BatchNormMode::train;
  config.model.mix_transformer.drop_path = 0.1;
  config.optim.kind = OptimizerKind::adamw;
  config.optim.lr = 6e-4;
  config.dsrnss.fpa.start = Span::steps(5);
  config.dsrnss.classes = {};
  for (auto& [name, stream] : config.streams) {
    stream.global_batch = 2;
    stream.augment.crop_height = stream.augment.crop_width = kSmokeSide;
  }
  test::run_method(
      1, config,
      [&](test::MethodRun& run) {
        const Tensors before = test::tensors_of(run.method);
        double first = 0, last = 0;
        for (; run.state.step < 20; ++run.state.step) {
          Batch batch;
          for (const auto& [name, stream] : batches(run.state.step, 2, kSmokeSide, 19)) {
            batch.streams[name] = stream;
          }
          run.method.step(batch, run.context);
          for (const auto& [name, loss] : run.context.take_records()) {
            EXPECT_TRUE(std::isfinite(loss)) << name;
            if (name == "source_loss" && run.state.step < 5) first += loss;
            if (name == "source_loss" && run.state.step >= 15) last += loss;
          }
        }
        EXPECT_LT(last, first);
        int differs = 0;
        const Tensors after = test::tensors_of(run.method);
        for (const auto& [name, value] : after) {
          if (name.starts_with("segmenter-optimizer/exp_avg.")) {
            EXPECT_GT(value.abs().max().item<double>(), 0) << name;
          }
          if (!name.starts_with("teacher/")) continue;
          differs += at::equal(value, after.at("segmenter/" + name.substr(8))) ? 0 : 1;
        }
        EXPECT_GT(differs, 100);
      },
      "cityscapes19");
}

}  // namespace
}  // namespace dusk
