#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/device/device.hpp"
#include "dusk/loss/confusion_matrix.hpp"
#include "dusk/loss/cross_entropy.hpp"
#include "dusk/nn/named_state.hpp"
#include "dusk/nn/segmenter.hpp"
#include "dusk/optim/optimizer.hpp"
#include "dusk/train/precision.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kClasses = 19;

struct Example {
  at::Tensor images, labels;
};

Example example(const Device& device) {
  const at::Generator generator = at::detail::createCPUGenerator(5);
  const at::Tensor images = at::randn({4, 3, 96, 128}, generator);
  const at::Tensor labels = at::randint(0, kClasses, {4, 96, 128}, generator, at::kLong);
  labels.slice(1, 0, 7).fill_(kIgnoreLabel);
  return {device.upload(images), device.upload(labels)};
}

std::shared_ptr<Segmenter> network(BackboneKind backbone, const Device& device) {
  SegmenterOptions options;
  options.backbone = backbone;
  options.panoptic_fpn = {.neck_channels = 64, .head_channels = 64};
  options.bn_mode = BatchNormMode::train;
  auto segmenter = make_segmenter(options, kClasses, {.seed = 1});
  segmenter->to(device.torch());
  return segmenter;
}

at::Tensor mean_loss(Segmenter& segmenter, const Example& batch,
                     Precision precision = Precision::fp32) {
  at::Tensor logits;
  {
    const AutocastScope autocast(precision, batch.images.device().type());
    logits = segmenter.low_res_logits(batch.images);
  }
  if (precision == Precision::bf16) logits = logits.to(at::kFloat);
  const LossSum loss = upsampled_cross_entropy(logits, batch.labels);
  return loss.sum / loss.count;
}

Example in_double(const Example& batch) {
  return {batch.images.to(at::kDouble), batch.labels};
}

double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.to(at::kCPU, at::kDouble), y = b.to(at::kCPU, at::kDouble);
  // Some gradients are 0 but for rounding: a shift that the next batch norm takes out again.
  return ((x - y).norm() / y.norm().clamp_min(1e-7)).item<double>();
}

class GpuNetwork : public testing::TestWithParam<BackboneKind> {};

/// Loss and every gradient on the GPU are those of the CPU up to rounding: in float64, since in
/// float32 a few values near 0 end on the other side of a ReLU, and TF32 products differ more.
TEST_P(GpuNetwork, ComputesWhatTheCpuComputes) {
  const Device gpu = Device::choose("cuda:0", 0);
  const auto here = network(GetParam(), Device::cpu());
  const auto there = network(GetParam(), gpu);
  here->to(at::kDouble);
  there->to(at::kDouble);
  const at::Tensor loss_here = mean_loss(*here, in_double(example(Device::cpu())));
  const at::Tensor loss_there = mean_loss(*there, in_double(example(gpu)));
  EXPECT_NEAR(loss_there.item<double>(), loss_here.item<double>(), 1e-10);
  loss_here.backward();
  loss_there.backward();
  const auto expected = here->named_parameters();
  std::size_t compared = 0;
  for (const auto& parameter : there->named_parameters()) {
    const at::Tensor& reference = expected[parameter.key()].grad();
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_LT(relative_difference(parameter.value().grad(), reference), 1e-8) << parameter.key();
    ++compared;
  }
  EXPECT_GT(compared, 60U);
}

INSTANTIATE_TEST_SUITE_P(Backbones, GpuNetwork,
                         testing::Values(BackboneKind::mobilenet_v2, BackboneKind::resnet18));

/// bf16 forward passes train: the loss of a repeated batch falls as it does in fp32.
TEST(GpuTraining, LearnsABatchByHeartInBf16) {
  const Device gpu = Device::choose("cuda:0", 0);
  const Example batch = example(gpu);
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    const auto segmenter = network(BackboneKind::resnet18, gpu);
    const auto parameters = segmenter->parameters();
    double first = 0, last = 0;
    for (int step = 0; step < 30; ++step) {
      for (const at::Tensor& parameter : parameters) parameter.mutable_grad().reset();
      const at::Tensor loss = mean_loss(*segmenter, batch, precision);
      loss.backward();
      const at::NoGradGuard no_grad;
      for (at::Tensor parameter : parameters) parameter.sub_(parameter.grad(), 0.05);
      (step == 0 ? first : last) = loss.item<double>();
    }
    EXPECT_TRUE(std::isfinite(last));
    EXPECT_LT(last, 0.9 * first);
  }
}

/// Counting on the GPU gives the integers that the CPU gives.
TEST(GpuConfusionMatrix, CountsAsTheCpuDoes) {
  const Device gpu = Device::choose("cuda:0", 0);
  const at::Generator generator = at::detail::createCPUGenerator(9);
  const at::Tensor prediction = at::randint(0, kClasses, {2, 64, 64}, generator, at::kLong);
  const at::Tensor labels = at::randint(0, kClasses + 3, {2, 64, 64}, generator, at::kLong);
  ConfusionMatrix here(kClasses), there(kClasses, gpu.torch());
  here.add(prediction, labels);
  there.add(gpu.upload(prediction), gpu.upload(labels));
  EXPECT_TRUE(at::equal(here.counts(), there.counts().cpu()));
  EXPECT_GT(here.counts().sum().item<std::int64_t>(), 0);
}

}  // namespace
}  // namespace dusk
