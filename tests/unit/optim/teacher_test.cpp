#include "dusk/optim/teacher.hpp"

#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"

namespace dusk {
namespace {

/// A module of two parameters, one of them a child's, and a buffer.
struct Network : torch::nn::Module {
  explicit Network(double value, std::int64_t width = 3, const std::string& child = "child")
      : torch::nn::Module("network") {
    weight = register_parameter("weight", at::arange(6, at::kFloat).view({2, 3}) + value);
    statistics = register_buffer("statistics", at::full({2}, value, at::kFloat));
    inner = register_module(child, std::make_shared<torch::nn::Module>("inner"));
    inner->register_parameter("bias", at::full({width}, value, at::kFloat));
  }
  [[nodiscard]] at::Tensor bias() const { return inner->named_parameters()["bias"]; }
  void set(double value) {
    const at::NoGradGuard no_grad;
    weight.fill_(value);
    bias().fill_(-value);
    statistics.fill_(value);
  }

  at::Tensor weight, statistics;
  std::shared_ptr<torch::nn::Module> inner;
};

TEST(Teacher, StartsAsACopyWithoutGradients) {
  const Network student(0.1);
  const auto network = std::make_shared<Network>(7);
  const Teacher teacher(network, student, 0.999);
  EXPECT_TRUE(at::equal(network->weight, student.weight));
  EXPECT_TRUE(at::equal(network->bias(), student.bias()));
  EXPECT_TRUE(at::equal(network->statistics, student.statistics));
  EXPECT_NE(network->weight.data_ptr(), student.weight.data_ptr());
  for (const at::Tensor& parameter : teacher.module().parameters()) {
    EXPECT_FALSE(parameter.requires_grad());
  }
  EXPECT_TRUE(student.weight.requires_grad());
}

/// theta_T of the definition, in double.
TEST(Teacher, FollowsByTheWarmedUpAverage) {
  Network student(0);
  const auto network = std::make_shared<Network>(0);
  constexpr double kMomentum = 0.9;
  Teacher teacher(network, student, kMomentum);
  double expected = 0;
  for (int t = 0; t < 40; ++t) {
    const double value = 0.1 + 3.0 * t * t;
    student.set(value);
    teacher.update(student);
    EXPECT_EQ(teacher.count(), t + 1);
    const double m = std::min(1 - 1.0 / (t + 1), kMomentum);
    expected = m * expected + (1 - m) * value;
    EXPECT_NEAR(network->weight[1][2].item<double>(), expected, 1e-6 * expected + 1e-7) << t;
    EXPECT_NEAR(network->bias()[0].item<double>(), -expected, 1e-6 * expected + 1e-7) << t;
    if (t == 0) {
      EXPECT_TRUE(at::equal(network->weight, student.weight));
    }
  }
}

TEST(Teacher, TakesTheMomentumFromTheUpdatesThatItCounts) {
  Network student(0);
  const auto network = std::make_shared<Network>(0);
  Teacher teacher(network, student, 0.999);
  teacher.count() = 5000;  // as a checkpoint would
  student.set(1);
  const double before = network->weight[0][1].item<double>();
  teacher.update(student);
  EXPECT_NEAR(network->weight[0][1].item<double>(), 0.999 * before + 0.001, 1e-6);
  EXPECT_EQ(teacher.count(), 5001);
}

TEST(Teacher, StandsStillWithTheStudentAndKeepsItsBuffers) {
  Network student(1.0 / 3);
  const auto network = std::make_shared<Network>(0);
  Teacher teacher(network, student, 0.999);
  network->statistics.fill_(42);
  student.statistics.fill_(-1);
  for (int t = 0; t < 20; ++t) teacher.update(student);
  EXPECT_TRUE(at::equal(network->weight, student.weight));
  EXPECT_TRUE(network->statistics.eq(42).all().item<bool>());
}

TEST(Teacher, RefusesAnotherStructure) {
  const Network student(0);
  test::expect_contains(test::message_of<InternalError>([&] {
                          const Teacher teacher(std::make_shared<Network>(0, 4), student, 0.9);
                        }),
                        "'child.bias' (3) is not the copy's 'child.bias' (4)");
  EXPECT_THROW(Teacher(std::make_shared<Network>(0, 3, "other"), student, 0.9), InternalError);
  EXPECT_THROW(Teacher(std::make_shared<torch::nn::Module>("empty"), student, 0.9), InternalError);
  Teacher teacher(std::make_shared<Network>(0), student, 0.9);
  EXPECT_THROW(teacher.update(torch::nn::Module("empty")), InternalError);
}

}  // namespace
}  // namespace dusk
