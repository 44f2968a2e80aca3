// The convolutional segmenters against references in float64 (golden/make_conv_golden.py), and what
// the specifications say of them apart from stored values.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <set>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"
#include "dusk/nn/draws.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/nn/resnet.hpp"
#include "dusk/nn/segmenter.hpp"
#include "golden_file.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kClasses = 5;
const std::vector<std::int64_t> kEvalShape{1, 3, 50, 214};
const std::vector<std::int64_t> kTrainShape{2, 3, 58, 74};

SegmenterOptions options_of(Architecture architecture,
                            BackboneKind backbone = BackboneKind::resnet50) {
  SegmenterOptions options;
  options.architecture = architecture;
  options.backbone = backbone;
  options.pspnet.dropout = 0;
  options.refinenet.dropout = 0;
  options.bn_mode = BatchNormMode::train;
  return options;
}

SegmenterOptions deeplab(DeepLabV2Form form, int branches = 4) {
  SegmenterOptions options = options_of(Architecture::deeplab_v2);
  options.deeplab_v2.form = form;
  options.deeplab_v2.aspp_branches = branches;
  return options;
}

struct Case {
  const char* file;
  SegmenterOptions options;
};

class Architectures : public testing::TestWithParam<Case> {
 protected:
  Architectures() : golden_(GetParam().file) {}

  std::shared_ptr<Segmenter> network(bool channels_last) const {
    SegmenterOptions options = GetParam().options;
    options.channels_last = channels_last;
    auto network = make_segmenter(options, kClasses, {.seed = kNoInitialValues});
    test::fill_closed_form(*network);
    return network;
  }

  /// One forward and backward pass in the network's own type; scores are compared and
  /// samples of the input's gradient returned.
  at::Tensor check(Segmenter& network, const std::string& mode, at::IntArrayRef shape,
                   double tolerance) const {
    const at::ScalarType type = network.parameters()[0].scalar_type();
    const at::Tensor images =
        (2 * test::closed_form(mode + " images", shape)).to(type).requires_grad_(true);
    const Segmentation scores = network.segment(images);
    const auto direction = [](const char* name, const at::Tensor& like) {
      return test::closed_form(std::string(name) + " direction", like.sizes()).to(at::kDouble);
    };
    at::Tensor total = (scores.logits * direction("logits", scores.logits)).sum();
    golden_.expect_close(mode + ".logits", scores.logits, tolerance);
    EXPECT_EQ(scores.auxiliary.defined(), golden_.contains(mode + ".auxiliary"));
    if (scores.auxiliary.defined()) {
      golden_.expect_close(mode + ".auxiliary", scores.auxiliary, tolerance);
      total = total + (scores.auxiliary * direction("auxiliary", scores.auxiliary)).sum();
    }
    total.backward();
    return test::strided(images.grad());
  }

  test::GoldenFile golden_;
};

/// In float64 rounding decides no ReLU and no maximum, so the stored float32 is the only error.
constexpr double kExact = 1e-6;

TEST_P(Architectures, InFloat64AreTheReference) {
  const auto network = this->network(/*channels_last=*/false);
  network->to(at::kDouble);
  network->eval();
  golden_.expect_close("eval.input_gradient", check(*network, "eval", kEvalShape, kExact), kExact);
  network->train();
  golden_.expect_close("train.input_gradient", check(*network, "train", kTrainShape, kExact),
                       kExact);
}

/// A ReLU or a maximum on the other side of its kink is a step in the gradient (golden_test.cpp),
/// so that the gradient's error is measured by its length, not by its largest element.
TEST_P(Architectures, InChannelsLastFloat32AreCloseToTheReference) {
  const auto network = this->network(/*channels_last=*/true);
  network->eval();
  const at::Tensor gradient = check(*network, "eval", kEvalShape, 1e-4);
  const at::Tensor expected = golden_.stored("eval.input_gradient");
  EXPECT_LT(((gradient - expected).norm() / expected.norm()).item<double>(), 1e-2);
}

INSTANTIATE_TEST_SUITE_P(
    Networks, Architectures,
    testing::Values(Case{"deeplab_v2_openmmlab_4", deeplab(DeepLabV2Form::openmmlab)},
                    Case{"deeplab_v2_caffe_4", deeplab(DeepLabV2Form::caffe)},
                    Case{"deeplab_v2_caffe_2", deeplab(DeepLabV2Form::caffe, 2)},
                    Case{"pspnet", options_of(Architecture::pspnet)},
                    Case{"refinenet", options_of(Architecture::refinenet)}),
    [](const testing::TestParamInfo<Case>& test) { return std::string(test.param.file); });

/// Height and width of the logits of one picture.
std::pair<std::int64_t, std::int64_t> logits_size(Segmenter& network, std::int64_t height,
                                                  std::int64_t width) {
  const at::NoGradGuard no_grad;
  network.eval();
  const at::Tensor logits = network.low_res_logits(at::zeros({1, 3, height, width}));
  return {logits.size(2), logits.size(3)};
}

TEST(ArchitectureSizes, AreThoseOfThePapersCode) {
  using Size = std::pair<std::int64_t, std::int64_t>;
  const auto size = [](const SegmenterOptions& options, std::int64_t height, std::int64_t width) {
    return logits_size(*make_segmenter(options, 2, {.seed = kNoInitialValues}), height, width);
  };
  // Columns of dannet_and_selftraining A.2.3; the long sides are cut to what takes no time.
  for (const auto& options : {deeplab(DeepLabV2Form::caffe), options_of(Architecture::pspnet)}) {
    const auto network = make_segmenter(options, 2, {.seed = kNoInitialValues});
    EXPECT_EQ(logits_size(*network, 512, 24), Size(65, 4));
    EXPECT_EQ(logits_size(*network, 540, 24), Size(68, 4));
    EXPECT_EQ(logits_size(*network, 24, 960), Size(4, 121));
    EXPECT_EQ(logits_size(*network, 1080, 24), Size(136, 4));
  }
  EXPECT_EQ(size(deeplab(DeepLabV2Form::openmmlab), 512, 24), Size(64, 3));
  EXPECT_EQ(size(options_of(Architecture::refinenet, BackboneKind::resnet18), 540, 64),
            Size(135, 16));
}

TEST(DeepLabV2, KeepsScaleAndShiftOfTheBlocksNormsInTheCaffeForm) {
  const auto network = make_segmenter(deeplab(DeepLabV2Form::caffe), kClasses);
  const auto parameters = network->named_parameters();
  EXPECT_FALSE(parameters["backbone.layer1.0.bn1.weight"].requires_grad());
  EXPECT_FALSE(parameters["backbone.layer4.0.downsample.1.bias"].requires_grad());
  EXPECT_TRUE(parameters["backbone.bn1.weight"].requires_grad());
  EXPECT_TRUE(parameters["backbone.layer1.0.conv1.weight"].requires_grad());
  const at::Tensor mean = network->named_buffers()["backbone.layer4.2.bn3.running_mean"];
  const at::Tensor before = mean.clone();
  network->segment(test::closed_form("images", {2, 3, 40, 40}));
  EXPECT_FALSE(at::equal(mean, before)) << "running statistics move";
}

TEST(DeepLabV2, LeavesUnusedBranchesWithoutGradient) {
  const auto network =
      make_segmenter(deeplab(DeepLabV2Form::caffe, 2), kClasses, {.seed = kNoInitialValues});
  const Segmentation scores = network->segment(test::closed_form("images", {2, 3, 40, 40}));
  (scores.logits.square().sum() + scores.auxiliary.square().sum()).backward();
  const auto parameters = network->named_parameters();
  for (const char* head : {"layer5", "layer6"}) {
    for (const int i : {0, 1, 2, 3}) {
      const std::string name = fmt::format("{}.conv2d_list.{}.weight", head, i);
      EXPECT_EQ(parameters[name].grad().defined(), i < 2) << name;
    }
  }
}

TEST(DeepLabV2, StartsWithBlocksThatPassTheirInputOn) {
  const auto network = make_segmenter(deeplab(DeepLabV2Form::openmmlab), kClasses);
  const auto parameters = network->named_parameters();
  EXPECT_EQ(parameters["backbone.layer3.5.bn3.weight"].abs().sum().item<float>(), 0);
  EXPECT_EQ(parameters["backbone.layer3.5.bn2.weight"].min().item<float>(), 1);
  const at::Tensor head = parameters["head.conv2d_list.1.weight"];
  EXPECT_NEAR(head.std().item<float>(), 0.01, 2e-4);
}

TEST(Segmenter, LowResLogitsLeaveTheAuxiliaryHeadAlone) {
  const auto network =
      make_segmenter(options_of(Architecture::pspnet), kClasses, {.seed = kNoInitialValues});
  const at::Tensor counter = network->named_buffers()["dsn.1.num_batches_tracked"];
  const at::Tensor images = test::closed_form("images", {2, 3, 40, 40});
  const at::NoGradGuard no_grad;
  network->low_res_logits(images);
  EXPECT_EQ(counter.item<std::int64_t>(), 0);
  const Segmentation scores = network->segment(images);
  EXPECT_EQ(counter.item<std::int64_t>(), 1);
  EXPECT_EQ(network->auxiliary_weight(), 0.4);
  ASSERT_EQ(scores.features.size(), 4U);
  EXPECT_EQ(scores.features[3].size(1), 2048);
  EXPECT_EQ(make_segmenter(options_of(Architecture::refinenet, BackboneKind::resnet18), kClasses,
                           {.seed = kNoInitialValues})
                ->auxiliary_weight(),
            0);
}

TEST(Segmenter, SegmentGivesWhatLowResLogitsAndFeaturesDo) {
  for (const SegmenterOptions& options :
       {options_of(Architecture::panoptic_fpn, BackboneKind::resnet18),
        options_of(Architecture::pspnet)}) {
    const auto network = make_segmenter(options, kClasses);
    network->eval();
    const at::NoGradGuard no_grad;
    const at::Tensor images = test::closed_form("images", {1, 3, 64, 40});
    const Segmentation scores = network->segment(images);
    EXPECT_TRUE(at::equal(scores.logits, network->low_res_logits(images)));
    const auto levels = network->features(images);
    ASSERT_EQ(levels.size(), scores.features.size());
    for (std::size_t i = 0; i < levels.size(); ++i) {
      EXPECT_TRUE(at::equal(levels[i], scores.features[i]));
    }
  }
}

TEST(Segmenter, ChannelsLastPassesThroughEveryArchitecture) {
  for (const SegmenterOptions& options :
       {options_of(Architecture::panoptic_fpn), deeplab(DeepLabV2Form::openmmlab),
        deeplab(DeepLabV2Form::caffe), options_of(Architecture::pspnet),
        options_of(Architecture::refinenet)}) {
    const auto network = make_segmenter(options, kClasses, {.seed = kNoInitialValues});
    network->eval();
    const at::NoGradGuard no_grad;
    const Segmentation scores = network->segment(test::closed_form("images", {2, 3, 64, 96}));
    const auto is_last = [](const at::Tensor& x) {
      return x.is_contiguous(at::MemoryFormat::ChannelsLast);
    };
    EXPECT_TRUE(is_last(scores.logits));
    EXPECT_TRUE(!scores.auxiliary.defined() || is_last(scores.auxiliary));
    for (const at::Tensor& level : scores.features) EXPECT_TRUE(is_last(level));
  }
}

TEST(Segmenter, RefusesPairsThatDoNotExist) {
  const auto message = [](const SegmenterOptions& options) {
    try {
      make_segmenter(options, kClasses);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(message(options_of(Architecture::pspnet, BackboneKind::mobilenet_v2)),
            "model.architecture pspnet needs model.backbone resnet50 or resnet101, not "
            "mobilenet_v2");
  EXPECT_NE(message(options_of(Architecture::deeplab_v2, BackboneKind::resnet18)), "accepted");
  EXPECT_EQ(message(options_of(Architecture::refinenet, BackboneKind::mobilenet_v2)), "accepted");
}

/// Two ranks with half of the batch each leave out what one rank does, in train mode only.
TEST(Dropout, DrawsBySampleInANetwork) {
  SegmenterOptions options = options_of(Architecture::refinenet, BackboneKind::resnet18);
  options.refinenet.dropout = 0.5;
  options.bn_mode = BatchNormMode::frozen;
  const auto network = make_segmenter(options, kClasses);
  const at::NoGradGuard no_grad;
  const at::Tensor images = test::closed_form("images", {2, 3, 64, 64});
  const auto logits = [&](std::int64_t first, const std::vector<std::uint64_t>& positions) {
    set_draws(*network, {.seed = 1, .positions = positions});
    const auto count = static_cast<std::int64_t>(positions.size());
    return network->low_res_logits(images.narrow(0, first, count));
  };
  const at::Tensor whole = logits(0, {8, 9});
  EXPECT_LT(test::relative_error(at::cat({logits(0, {8}), logits(1, {9})}), whole), 1e-5);
  set_draws(*network, {.seed = 2, .positions = {8, 9}});
  EXPECT_GT(test::relative_error(network->low_res_logits(images), whole), 0.1);
  network->eval();
  EXPECT_GT(test::relative_error(network->low_res_logits(images), whole), 0.1);
}

TEST(ResNet, RefusesFormsThatDoNotExist) {
  EXPECT_THROW(make_resnet({.depth = 18, .output_stride = 8}), ConfigError);
  EXPECT_THROW(make_resnet({.depth = 50, .output_stride = 4}), ConfigError);
}

TEST(ResNet, HasTheStrideThatItIsAskedFor) {
  const at::NoGradGuard no_grad;
  for (const std::int64_t stride : {8, 16, 32}) {
    const auto network = make_resnet({.depth = 50, .output_stride = stride}, kNoInitialValues);
    network->eval();
    EXPECT_EQ(network->pyramid().strides.back(), stride);
    EXPECT_EQ(network->features(at::zeros({1, 3, 64, 64})).back().size(2), 64 / stride);
  }
}

TEST(ResNet, CanBeginWithItsStemsOutputAndTakeTwoPictures) {
  // depth_and_fusion I.4.2 and I.4.4: f0 before the pooling; a pose network of two pictures.
  const auto network = make_resnet({.depth = 18, .in_channels = 6, .stem_level = true});
  network->eval();
  const at::NoGradGuard no_grad;
  const auto levels = network->features(at::zeros({1, 6, 64, 96}));
  ASSERT_EQ(levels.size(), 5U);
  EXPECT_EQ(levels[0].sizes(), at::IntArrayRef({1, 64, 32, 48}));
  EXPECT_EQ(levels[1].sizes(), at::IntArrayRef({1, 64, 16, 24}));
  EXPECT_EQ(network->pyramid().strides, (std::vector<std::int64_t>{2, 4, 8, 16, 32}));
}

/// A file with tensors of `network`, by the names that `rename` gives them ("": left out).
template <class Rename>
std::filesystem::path write_weights(const std::filesystem::path& path, torch::nn::Module& network,
                                    const Rename& rename) {
  std::vector<TensorRecord> records;
  for (const NamedTensor& entry : named_state(network)) {
    TensorRecord record = to_record(entry);
    record.name = rename(entry.name);
    if (!record.name.empty()) records.push_back(record);
  }
  write_safetensors(path, records, {});
  return path;
}

TEST(PspNet, TakesWhatFitsFromAPlainResNet) {
  const test::TempFolder folder;
  const auto plain = make_resnet({.depth = 50}, /*seed=*/3);
  test::fill_closed_form(*plain);
  SegmenterOptions options = options_of(Architecture::pspnet);
  const auto fresh = make_segmenter(options, kClasses);
  options.weights =
      write_weights(folder.path() / "plain.safetensors", *plain, [](auto name) { return name; });
  const auto loaded = make_segmenter(options, kClasses);
  const std::set<std::string> kept{"conv1", "bn1", "conv2",          "bn2",
                                   "conv3", "bn3", "layer1.0.conv1", "layer1.0.downsample.0"};
  const auto source = plain->named_parameters();
  const auto initial = fresh->named_parameters();
  for (const auto& entry : loaded->named_parameters()) {
    if (!entry.key().starts_with("backbone.")) continue;
    const std::string name = entry.key().substr(9);
    const bool is_kept = kept.contains(name.substr(0, name.rfind('.')));
    const at::Tensor& expected = is_kept ? initial[entry.key()] : source[name];
    EXPECT_TRUE(at::equal(entry.value(), expected)) << name;
  }
  EXPECT_EQ(loaded->backbone_weights()->extra.size(), 8U);  // 1 + 5 + 1 + 1 tensors
}

TEST(Segmenter, ReadsPublishedNamesOfAWholeNetwork) {
  const test::TempFolder folder;
  SegmenterOptions options = deeplab(DeepLabV2Form::caffe);
  options.channels_last = false;
  const auto source = make_segmenter(options, kClasses, {.seed = 5});
  // As DANNet publishes it: no "backbone.", no counters, and here without one of the norms.
  options.pretrained =
      write_weights(folder.path() / "published.safetensors", *source, [](const std::string& name) {
        const bool is_left_out =
            name.ends_with("num_batches_tracked") || name == "backbone.bn1.running_mean";
        if (is_left_out) return std::string();
        return name.starts_with("backbone.") ? name.substr(9) : name;
      });
  const auto loaded = make_segmenter(options, kClasses);
  const auto expected = source->named_parameters();
  for (const auto& entry : loaded->named_parameters()) {
    EXPECT_TRUE(at::equal(entry.value(), expected[entry.key()])) << entry.key();
  }
  const auto& missing = loaded->pretrained_weights()->missing;
  EXPECT_EQ(std::count(missing.begin(), missing.end(), "backbone.bn1.running_mean"), 1);
  options.deeplab_v2.form = DeepLabV2Form::openmmlab;
  EXPECT_THROW(make_segmenter(options, kClasses), ConfigError);
}

}  // namespace
}  // namespace dusk
