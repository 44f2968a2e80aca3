#include "dusk/loss/confusion_matrix.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/comm/in_process.hpp"
#include "dusk/loss/cross_entropy.hpp"
#include "support/expect_error.hpp"
#include "unit/loss/cross_entropy_reference.hpp"

namespace dusk {
namespace {

ConfusionMatrix matrix_of(const std::vector<std::vector<std::int64_t>>& rows) {
  ConfusionMatrix matrix(static_cast<std::int64_t>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows.size(); ++j) {
      matrix.counts()[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(j)] = rows[i][j];
    }
  }
  return matrix;
}

/// Classes that have little to do with `some_labels` of the same sizes.
at::Tensor some_classes(const at::Tensor& labels, std::int64_t classes) {
  const at::Tensor guess = torch::empty_like(labels);
  std::int64_t* out = guess.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < guess.numel(); ++i) out[i] = (i / 2 + i / 29) % classes;
  return guess;
}

TEST(Scores, TestVectorOfTheSpecification) {
  const Scores scores = matrix_of({{50, 10, 0}, {5, 30, 5}, {0, 0, 0}}).scores();
  EXPECT_DOUBLE_EQ(scores.pixel_accuracy, 0.8);
  EXPECT_NEAR(scores.class_accuracy, 0.791667, 5e-7);
  ASSERT_EQ(scores.iou.size(), 3U);
  EXPECT_NEAR(scores.iou[0], 0.769231, 5e-7);
  EXPECT_DOUBLE_EQ(scores.iou[1], 0.6);
  EXPECT_EQ(scores.iou[2], 0.0) << "predicted but never true: counts as 0";
  EXPECT_NEAR(scores.mean_iou, 0.456410, 5e-7);
  EXPECT_NEAR(scores.fw_iou, 0.701538, 5e-7);
}

TEST(Scores, APerfectPredictionIsOneAndAbsentClassesAreLeftOut) {
  const ConfusionMatrix matrix = matrix_of({{7, 0, 0}, {0, 3, 0}, {0, 0, 0}});
  const Scores scores = matrix.scores();
  EXPECT_EQ(scores.pixel_accuracy, 1);
  EXPECT_EQ(scores.class_accuracy, 1);
  EXPECT_EQ(scores.mean_iou, 1);
  EXPECT_DOUBLE_EQ(scores.fw_iou, 1);
  EXPECT_TRUE(std::isnan(scores.iou[2]));
  const Scores with_zero = matrix.scores(AbsentClasses::zero);
  EXPECT_DOUBLE_EQ(with_zero.mean_iou, 2.0 / 3) << "DSRNSS, spec 8.4";
  EXPECT_EQ(with_zero.class_accuracy, 1);
  EXPECT_TRUE(std::isnan(with_zero.iou[2]));
  EXPECT_TRUE(std::isnan(ConfusionMatrix(4).scores(AbsentClasses::zero).mean_iou));
}

TEST(Scores, NothingCountedIsNotANumber) {
  const Scores scores = ConfusionMatrix(4).scores();
  EXPECT_TRUE(std::isnan(scores.pixel_accuracy));
  EXPECT_TRUE(std::isnan(scores.class_accuracy));
  EXPECT_TRUE(std::isnan(scores.mean_iou));
  EXPECT_TRUE(std::isnan(scores.fw_iou));
}

TEST(ConfusionMatrix, CountsLikeAPlainLoopForEveryPairOfTypes) {
  const std::int64_t classes = 11;
  const at::Tensor labels = test::some_labels(3, 190, 230, classes);
  const at::Tensor guess = some_classes(labels, classes);
  at::Tensor expected = torch::zeros({classes, classes}, torch::kLong);
  auto cell = expected.accessor<std::int64_t, 2>();
  for (std::int64_t i = 0; i < labels.numel(); ++i) {
    const std::int64_t truth = labels.const_data_ptr<std::int64_t>()[i];
    if (truth != 255) ++cell[truth][guess.const_data_ptr<std::int64_t>()[i]];
  }
  for (const auto guess_type : {torch::kByte, torch::kLong}) {
    for (const auto label_type : {torch::kByte, torch::kLong}) {
      ConfusionMatrix matrix(classes);
      matrix.add(guess.to(guess_type), labels.to(label_type));
      EXPECT_TRUE(matrix.counts().equal(expected));
      matrix.add(guess.to(guess_type).transpose(1, 2), labels.to(label_type).transpose(1, 2));
      EXPECT_TRUE(matrix.counts().equal(2 * expected)) << "a view of other strides";
      matrix.reset();
      EXPECT_EQ(matrix.counts().sum().item<std::int64_t>(), 0);
    }
  }
}

TEST(ConfusionMatrix, RefusesWhatItCannotCount) {
  ConfusionMatrix matrix(3);
  const at::Tensor labels = torch::zeros({4}, torch::kLong);
  test::expect_contains(
      test::message_of<DataError>([&] { matrix.add(torch::full({4}, 3, torch::kLong), labels); }),
      "4 predictions are outside the 3 classes");
  test::expect_contains(
      test::message_of<InternalError>([&] { matrix.add(torch::zeros({5}, torch::kLong), labels); }),
      "one shape");
  test::expect_contains(
      test::message_of<InternalError>([&] { matrix.add(torch::zeros({4}), labels); }),
      "uint8 or int64");
  test::expect_contains(test::message_of<InternalError>([&] { (void)ConfusionMatrix(0); }),
                        "0 classes");
  // Where the label is ignored the prediction does not matter.
  matrix.reset();
  matrix.add(torch::full({4}, 9, torch::kLong), torch::full({4}, 255, torch::kLong));
  EXPECT_EQ(matrix.counts().sum().item<std::int64_t>(), 0);
}

TEST(ConfusionMatrix, LogitsAreScoredAtTheSizeOfTheLabels) {
  const at::Tensor labels = test::some_labels(2, 32, 40, 5);
  const at::Tensor logits = test::some_logits({2, 5, 8, 10});
  ConfusionMatrix direct(5);
  direct.add_logits(logits, labels);
  ConfusionMatrix composed(5);
  composed.add(at::upsample_bilinear2d(logits, {32, 40}, false).argmax(1), labels);
  EXPECT_TRUE(direct.counts().equal(composed.counts()));
}

TEST(ConfusionMatrix, GivesTheSameDigitsOnAnyNumberOfRanks) {
  const std::int64_t pictures = 7;
  const at::Tensor labels = test::some_labels(pictures, 20, 30, 6);
  const at::Tensor guess = some_classes(labels, 6);
  ConfusionMatrix alone(6);
  alone.add(guess, labels);
  for (const int ranks : {1, 2, 3, 4}) {
    run_in_process(ranks, [&](Communicator& comm) {
      ConfusionMatrix part(6);
      for (std::int64_t i = comm.rank(); i < pictures; i += comm.size()) {
        part.add(guess[i], labels[i]);
      }
      part.all_reduce(comm, "confusion matrix");
      EXPECT_TRUE(part.counts().equal(alone.counts()));
      EXPECT_EQ(part.scores().mean_iou, alone.scores().mean_iou);
    });
  }
}

}  // namespace
}  // namespace dusk
