/// Every instruction set of this machine against the plain loop: the dispatch would otherwise test
/// one of them only.
#include "loss/upsample_kernels.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "loss/fused_cross_entropy.hpp"
#include "unit/loss/cross_entropy_reference.hpp"

namespace dusk::upsample {
namespace {

std::vector<const Kernels*> kernels_of_this_machine() {
  std::vector<const Kernels*> all{&baseline::kernels};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    all.push_back(&avx2::kernels);
#endif
  if (&choose_kernels() != all.back()) all.push_back(&choose_kernels());
  return all;
}

TEST(UpsampleKernels, EachInstructionSetAgreesWithThePlainLoop) {
  const at::Tensor labels = test::some_labels(2, 33, 150, 13);
  const at::Tensor logits = test::some_logits({2, 13, 9, 37}, torch::kDouble);
  const double reference = test::plain_loss(logits, labels, 255);
  const at::Tensor gradient =
      fused_cross_entropy(baseline::kernels, logits, labels, {}, 255, true).gradient;
  for (const Kernels* kernels : kernels_of_this_machine()) {
    SCOPED_TRACE(kernels->name);
    const FusedResult fine = fused_cross_entropy(*kernels, logits, labels, {}, 255, true);
    EXPECT_NEAR(fine.loss, reference, 1e-11 * reference);
    EXPECT_LT((fine.gradient - gradient).abs().max().item<double>(), 1e-12);
    const FusedResult coarse =
        fused_cross_entropy(*kernels, logits.to(torch::kFloat), labels, {}, 255, true);
    EXPECT_NEAR(coarse.loss, reference, 1e-6 * reference);
    EXPECT_LT((coarse.gradient - gradient).abs().max().item<double>(), 1e-5);
  }
}

TEST(UpsampleKernels, EachInstructionSetWeighsPixels) {
  const at::Tensor labels = test::some_labels(2, 33, 150, 13);
  const at::Tensor logits = test::some_logits({2, 13, 9, 37}, torch::kDouble);
  const at::Tensor weights = test::some_weights(labels.sizes());
  const double reference = test::plain_loss(logits, labels, 255, weights);
  const at::Tensor gradient =
      fused_cross_entropy(baseline::kernels, logits, labels, {}, 255, true, weights).gradient;
  for (const Kernels* kernels : kernels_of_this_machine()) {
    SCOPED_TRACE(kernels->name);
    const FusedResult coarse =
        fused_cross_entropy(*kernels, logits.to(torch::kFloat), labels, {}, 255, true, weights);
    EXPECT_NEAR(coarse.loss, reference, 1e-6 * reference);
    EXPECT_LT((coarse.gradient - gradient).abs().max().item<double>(), 1e-5);
  }
}

TEST(UpsampleKernels, EachInstructionSetFindsTheSameClasses) {
  const at::Tensor logits = test::some_logits({1, 19, 9, 37});
  const at::Tensor expected = fused_argmax(baseline::kernels, logits, 36, 148);
  for (const Kernels* kernels : kernels_of_this_machine()) {
    SCOPED_TRACE(kernels->name);
    const at::Tensor classes = fused_argmax(*kernels, logits, 36, 148);
    EXPECT_GT(classes.eq(expected).to(torch::kDouble).mean().item<double>(), 0.9999);
  }
}

/// Confidences against torch's softmax in float64: at most one step apart where it rounds.
TEST(UpsampleKernels, EachInstructionSetFindsTheSameConfidence) {
  const at::Tensor logits = 4 * test::some_logits({2, 19, 9, 37});
  const at::Tensor expected =
      255 *
      at::softmax(at::upsample_bilinear2d(logits.to(torch::kDouble), {36, 150}, false), 1).amax(1);
  for (const Kernels* kernels : kernels_of_this_machine()) {
    SCOPED_TRACE(kernels->name);
    const PixelPrediction found = fused_prediction(*kernels, logits, 36, 150);
    EXPECT_TRUE(at::equal(found.classes, fused_argmax(*kernels, logits, 36, 150)));
    const at::Tensor error = (found.confidence.to(torch::kDouble) - expected).abs();
    EXPECT_LT(error.max().item<double>(), 0.501);
  }
}

}  // namespace
}  // namespace dusk::upsample
