// Values, gradients and running statistics against Python PyTorch and torchvision in float64
// (golden/make_golden.py), for both memory layouts.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <map>

#include "closed_form.hpp"
#include "dusk/nn/batch_norm_mode.hpp"
#include "dusk/nn/segmenter.hpp"
#include "dusk/nn/weights.hpp"

namespace dusk {
namespace {

constexpr double kTolerance = 1e-4;
constexpr std::int64_t kClasses = 5;
constexpr std::int64_t kSamples = 997;

struct Case {
  BackboneKind kind;
  bool channels_last;
};

std::string name_of_kind(BackboneKind kind) {
  for (const auto& [name, value] : names_of(kind)) {
    if (value == kind) return std::string(name);
  }
  return "?";
}

class Golden : public testing::TestWithParam<Case> {
 protected:
  Golden()
      : file_(std::filesystem::path(DUSK_GOLDEN) /
              (name_of_kind(GetParam().kind) + ".safetensors")),
        network_(make_segmenter({.backbone = GetParam().kind,
                                 .weights = {},
                                 .panoptic_fpn = {.neck_channels = 64, .head_channels = 64},
                                 .bn_mode = BatchNormMode::train,
                                 .channels_last = GetParam().channels_last},
                                kClasses)) {
    test::fill_closed_form(*network_);
  }

  at::Tensor stored(const std::string& name) const {
    const TensorRecord* record = file_.find(name);
    EXPECT_NE(record, nullptr) << name;
    return to_tensor(*record);
  }

  void expect_close(const std::string& name, const at::Tensor& actual) const {
    EXPECT_LT(test::relative_error(actual, stored(name)), kTolerance) << name;
  }

  /// One forward and backward as make_golden.py's `run`; results under the names of `mode`.
  void check(const std::string& mode, at::IntArrayRef shape) {
    at::Tensor images = 2 * test::closed_form(mode + " images", shape);
    images.requires_grad_(true);
    const at::Tensor low = network_->low_res_logits(images);
    const at::Tensor logits = resize_logits(low, shape[2], shape[3]);
    (logits * test::closed_form("direction", logits.sizes())).sum().backward();
    expect_close(mode + ".low_res_logits", low);
    expect_close(mode + ".logits", strided(logits));
    if (mode == "train" || !is_near_a_kink()) {
      expect_close(mode + ".input_gradient", strided(images.grad()));
    }
  }

  /// In float32 one of the million activations of a bottleneck network may lie on the other side of
  /// ReLU's kink than in the stored float64 run; in a deep layer that alone is 1 % of the gradient.
  /// With the stored pictures in evaluation mode it happens in the channels-last order of summation
  /// (two layouts agree to 2e-6 on pictures where it does not). Their gradients are compared in
  /// train mode.
  static bool is_near_a_kink() {
    return GetParam().channels_last && (GetParam().kind == BackboneKind::resnet50 ||
                                        GetParam().kind == BackboneKind::resnet101);
  }

  /// Norm and product with a closed form of every parameter's gradient.
  void check_parameter_gradients(const std::string& mode) const {
    const at::Tensor expected = stored(mode + ".parameter_gradients");
    const double largest = expected.select(1, 0).max().item<double>();
    std::int64_t row = 0;
    for (const NamedTensor& entry : named_state(*network_)) {
      if (!entry.is_parameter) continue;
      const at::Tensor gradient = entry.tensor.grad().to(at::kDouble);
      const at::Tensor direction =
          test::closed_form("gradient of " + entry.name, gradient.sizes()).to(at::kDouble);
      const double norm = expected[row][0].item<double>();
      // Where the true gradient is zero (a shift before a norm) only rounding remains.
      const double tolerance = 1e-3 * norm + 1e-6 * largest;
      EXPECT_NEAR(gradient.norm().item<double>(), norm, tolerance) << entry.name;
      EXPECT_NEAR((gradient * direction).sum().item<double>(), expected[row][1].item<double>(),
                  tolerance)
          << entry.name;
      ++row;
    }
    EXPECT_EQ(row, expected.size(0));
  }

  static at::Tensor strided(const at::Tensor& tensor) {
    const at::Tensor flat = tensor.detach().contiguous().view(-1);
    return flat.slice(0, 0, flat.numel(), std::max<std::int64_t>(1, flat.numel() / kSamples));
  }

  SafetensorsFile file_;
  std::shared_ptr<Segmenter> network_;
};

const std::vector<std::int64_t> kEvalShape{1, 3, 70, 102};
const std::vector<std::int64_t> kTrainShape{2, 3, 102, 134};

TEST_P(Golden, EvalMode) {
  network_->eval();
  check("eval", kEvalShape);
  if (!is_near_a_kink()) check_parameter_gradients("eval");
}

TEST_P(Golden, TrainMode) {
  check("train", kTrainShape);
  check_parameter_gradients("train");
  std::vector<at::Tensor> sums;
  for (const NamedTensor& entry : named_state(*network_)) {
    if (entry.name.ends_with("mean") || entry.name.ends_with("var")) {
      sums.push_back(entry.tensor.sum());
    }
    if (entry.name.ends_with("tracked")) {
      EXPECT_EQ(entry.tensor.item<std::int64_t>(), 4);
    }
  }
  expect_close("train.running_sums", at::stack(sums));
}

TEST_P(Golden, FrozenBatchNormsInTrainModeAreEvalMode) {
  set_batch_norm_mode(*network_, BatchNormMode::frozen);
  ASSERT_TRUE(network_->is_training());
  check("eval", kEvalShape);
}

INSTANTIATE_TEST_SUITE_P(
    Networks, Golden,
    testing::Values(Case{BackboneKind::mobilenet_v2, false}, Case{BackboneKind::mobilenet_v2, true},
                    Case{BackboneKind::resnet18, false}, Case{BackboneKind::resnet18, true},
                    Case{BackboneKind::resnet50, false}, Case{BackboneKind::resnet50, true},
                    Case{BackboneKind::resnet101, true}),
    [](const testing::TestParamInfo<Case>& test) {
      return name_of_kind(test.param.kind) + (test.param.channels_last ? "_nhwc" : "_nchw");
    });

}  // namespace
}  // namespace dusk
