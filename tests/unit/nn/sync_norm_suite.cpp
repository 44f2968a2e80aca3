#include "unit/nn/sync_norm_suite.hpp"

#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "nn/layers.hpp"
#include "unit/nn/closed_form.hpp"

namespace dusk::test {
namespace {

constexpr std::int64_t kChannels = 24;
constexpr std::int64_t kHeight = 7;
constexpr std::int64_t kWidth = 5;

struct NormCase {
  at::MemoryFormat format = at::MemoryFormat::ChannelsLast;
  at::ScalarType type = at::kFloat;
  Activation activation = Activation::none;
  bool residual = false;
};

/// Samples that each rank has.
using Shares = std::vector<std::int64_t>;

/// A range of the whole batch.
struct Range {
  std::int64_t first, count;
};

Range range_of(const Shares& shares, int rank) {
  const auto at = shares.begin() + rank;
  return {std::accumulate(shares.begin(), at, std::int64_t{0}), *at};
}

Range all_of(const Shares& shares) {
  return {0, std::accumulate(shares.begin(), shares.end(), std::int64_t{0})};
}

/// Every third sample is far from the others, so that ranks have statistics of their own. The
/// values are floats, so that all precisions see the same ones.
at::Tensor whole(const char* name, const Shares& shares) {
  at::Tensor values = 3 * closed_form(name, {all_of(shares).count, kChannels, kHeight, kWidth});
  for (std::int64_t i = 0; i < values.size(0); i += 3) values[i].mul_(2).add_(5);
  return values.to(at::kDouble);
}

at::Tensor part(const at::Tensor& values, Range range, const NormCase& c) {
  return values.narrow(0, range.first, range.count).to(c.type).contiguous(c.format).clone();
}

/// A batch norm behind a convolution that copies its input.
struct Layer {
  explicit Layer(at::ScalarType type) {
    const at::NoGradGuard no_grad;
    conv.weight().copy_(at::eye(kChannels).view({kChannels, kChannels, 1, 1}));
    norm->named_parameters()["weight"].copy_(1 + 0.5 * closed_form("w", {kChannels}));
    norm->named_parameters()["bias"].copy_(2 * closed_form("b", {kChannels}));
    conv.to(type);
    norm->to(type);
  }
  at::Tensor operator()(const at::Tensor& x, Activation activation = Activation::none,
                        const at::Tensor& residual = {}) {
    return conv_norm(x, conv, *norm, activation, residual);
  }
  [[nodiscard]] at::Tensor gradient(const char* name) {
    return norm->named_parameters()[name].grad();
  }
  [[nodiscard]] at::Tensor buffer(const char* name) { return norm->named_buffers()[name]; }

  Conv2d conv{{.in = kChannels, .out = kChannels}};
  std::shared_ptr<BatchNorm2d> norm = std::make_shared<BatchNorm2d>(kChannels);
};

/// What a layer makes of a range of the batch, for the loss sum(y dy).
struct Outcome {
  at::Tensor y, dx, dresidual, dweight, dbias, running_mean, running_var;
};

Outcome outcome(Layer& layer, const NormCase& c, const Shares& shares, Range range) {
  at::Tensor x = part(whole("x", shares), range, c).requires_grad_();
  at::Tensor residual;
  if (c.residual) residual = part(whole("r", shares), range, c).requires_grad_();
  const at::Tensor y = layer(x, c.activation, residual);
  (y * part(whole("dy", shares), range, c)).sum().backward();
  return {y.detach(),
          x.grad(),
          c.residual ? residual.grad() : at::zeros_like(x),
          layer.gradient("weight"),
          layer.gradient("bias"),
          layer.buffer("running_mean"),
          layer.buffer("running_var")};
}

/// The whole batch in one process by torch's operators in float64.
Outcome reference(const NormCase& c, const Shares& shares) {
  const NormCase exact{.format = at::MemoryFormat::Contiguous, .type = at::kDouble};
  const Range all = all_of(shares);
  Layer layer(at::kDouble);
  at::Tensor x = part(whole("x", shares), all, exact).requires_grad_();
  at::Tensor residual = part(whole("r", shares), all, exact).requires_grad_();
  const auto parameters = layer.norm->named_parameters();
  at::Tensor y = at::batch_norm(x, parameters["weight"], parameters["bias"],
                                layer.buffer("running_mean"), layer.buffer("running_var"),
                                /*training=*/true, 0.1, 1e-5, /*cudnn_enabled=*/false);
  if (c.residual) y = y + residual;
  if (c.activation == Activation::relu) y = at::relu(y);
  if (c.activation == Activation::relu6) y = at::relu6(y);
  (y * part(whole("dy", shares), all, exact)).sum().backward();
  return {y.detach(),
          x.grad(),
          c.residual ? residual.grad() : at::zeros_like(x),
          layer.gradient("weight"),
          layer.gradient("bias"),
          layer.buffer("running_mean"),
          layer.buffer("running_var")};
}

/// Largest difference as a share of the largest value of the whole batch's tensor.
std::string compare(const char* what, const at::Tensor& actual, const at::Tensor& expected,
                    const at::Tensor& scale, double tolerance) {
  if (actual.numel() == 0) return "";
  const double worst = (actual.to(at::kDouble) - expected).abs().max().item<double>();
  const double largest = std::max(scale.abs().max().item<double>(), 1e-3);
  if (worst <= tolerance * largest) return "";  // false for NaN
  return fmt::format("\n  {} differs by {:.2e} of its largest value", what, worst / largest);
}

/// This rank's outcome, with the gradients of weight and bias of all, against that of the batch.
std::string compare(const Outcome& actual, const Outcome& expected, Range own, double tolerance) {
  std::string wrong;
  const auto check = [&](const char* what, at::Tensor Outcome::*tensor, bool of_samples) {
    const at::Tensor all = (expected.*tensor).to(at::kDouble);
    wrong += compare(what, actual.*tensor, of_samples ? all.narrow(0, own.first, own.count) : all,
                     all, tolerance);
  };
  check("y", &Outcome::y, true);
  check("dx", &Outcome::dx, true);
  check("dresidual", &Outcome::dresidual, true);
  check("dweight", &Outcome::dweight, false);
  check("dbias", &Outcome::dbias, false);
  check("running_mean", &Outcome::running_mean, false);
  check("running_var", &Outcome::running_var, false);
  return wrong;
}

/// Ranks with these shares against one process with the whole batch: the same code, and torch's
/// operators in float64, from which one process in float32 is up to 1.6e-6 away itself.
std::string equals_the_whole_batch(Communicator& comm, const NormCase& c, const Shares& shares) {
  const bool exact = c.type == at::kDouble;
  const Range own = range_of(shares, comm.rank());
  Layer layer(c.type);
  set_batch_norm_mode(*layer.norm, BatchNormMode::sync, &comm);
  Outcome actual = outcome(layer, c, shares, own);
  // As the optimizer gets them: each rank's loss is a part of the sum.
  for (at::Tensor* gradient : {&actual.dweight, &actual.dbias}) {
    *gradient = gradient->to(at::kDouble);
    comm.all_reduce(*gradient, ReduceOp::sum, "gradient").wait();
  }
  Layer alone(c.type);
  std::string wrong =
      compare(actual, outcome(alone, c, shares, all_of(shares)), own, exact ? 1e-12 : 1e-6);
  wrong += compare(actual, reference(c, shares), own, exact ? 1e-12 : 2e-6);
  for (const at::Tensor& buffer : {actual.running_mean, actual.running_var}) {
    at::Tensor first = buffer.clone();
    comm.broadcast(first, 0, "buffer of rank 0").wait();
    if (!at::equal(first, buffer)) wrong += "\n  running statistics differ from rank 0's";
  }
  return wrong.empty() ? "" : fmt::format("{}:{}\n", fmt::join(shares, "+"), wrong);
}

/// Two samples a rank; 1, 2, 3 and 1 samples; all but one on the last rank, none on the first.
std::vector<Shares> shares_for(int ranks) {
  const auto count = static_cast<std::size_t>(ranks);
  Shares equal(count, 2), unequal, lonely(count, 0);
  for (int rank = 0; rank < ranks; ++rank) unequal.push_back(1 + rank % 3);
  lonely.back() = 4;
  if (ranks > 2) lonely[1] = 1;
  return {equal, unequal, lonely};
}

std::string equals_for_all_shares(Communicator& comm, const std::vector<NormCase>& cases) {
  std::string wrong;
  for (const NormCase& c : cases) {
    for (const Shares& shares : shares_for(comm.size())) {
      wrong += equals_the_whole_batch(comm, c, shares);
    }
  }
  return wrong;
}

std::string fused(Communicator& comm) {
  return equals_for_all_shares(comm, {{.activation = Activation::none},
                                      {.activation = Activation::relu},
                                      {.activation = Activation::relu6},
                                      {.activation = Activation::relu, .residual = true},
                                      {.activation = Activation::relu6, .residual = true}});
}

std::string contiguous(Communicator& comm) {
  constexpr auto kFormat = at::MemoryFormat::Contiguous;
  return equals_for_all_shares(
      comm, {{.format = kFormat},
             {.format = kFormat, .activation = Activation::relu6, .residual = true},
             {.format = kFormat, .type = at::kDouble, .activation = Activation::relu},
             {.type = at::kDouble, .residual = true}});
}

/// Ranks of different memory formats exchange the same.
std::string mixed_formats(Communicator& comm) {
  const Shares shares(static_cast<std::size_t>(comm.size()), 2);
  return equals_the_whole_batch(comm,
                                {.format = comm.rank() % 2 == 0 ? at::MemoryFormat::ChannelsLast
                                                                : at::MemoryFormat::Contiguous,
                                 .activation = Activation::relu},
                                shares);
}

/// The gradient is that of the sum of all ranks' losses: checked by moving single values of single
/// ranks and looking at that sum.
std::string finite_differences(Communicator& comm) {
  const NormCase c{.format = at::MemoryFormat::Contiguous, .type = at::kDouble};
  Shares shares;
  for (int rank = 0; rank < comm.size(); ++rank) shares.push_back(1 + rank % 2);
  const Range own = range_of(shares, comm.rank());
  Layer layer(c.type);
  set_batch_norm_mode(*layer.norm, BatchNormMode::sync, &comm);
  at::Tensor x = part(whole("x", shares), own, c).requires_grad_();
  const at::Tensor factor = part(whole("dy", shares), own, c);
  const auto loss = [&] { return (layer(x).square() * factor).sum(); };
  loss().backward();
  at::Tensor weight = layer.norm->named_parameters()["weight"];
  at::Tensor dweight = weight.grad().clone();
  comm.all_reduce(dweight, ReduceOp::sum, "gradient").wait();

  constexpr double kStep = 1e-4;
  /// The change of the global loss when this rank moves value `at` of `values` (negative: none).
  const auto slope = [&](const at::Tensor& values, std::int64_t at) {
    const at::NoGradGuard no_grad;
    double change = 0;
    for (const double sign : {1.0, -1.0}) {
      if (at >= 0) values.view({-1})[at] += sign * kStep;
      at::Tensor total = loss().view({1});
      comm.all_reduce(total, ReduceOp::sum, "global loss").wait();
      if (at >= 0) values.view({-1})[at] -= sign * kStep;
      change += sign * total.item<double>() / (2 * kStep);
    }
    return change;
  };
  std::string wrong;
  const auto compare_with = [&](const char* what, double gradient, double expected) {
    if (std::abs(gradient - expected) <= 1e-6 * std::max(1.0, std::abs(expected))) return;
    wrong += fmt::format("{}: gradient {:.9}, by differences {:.9}\n", what, gradient, expected);
  };
  for (int rank = 0; rank < comm.size(); ++rank) {
    for (const std::int64_t at : {std::int64_t{0}, std::int64_t{17}, std::int64_t{401}}) {
      const double expected = slope(x, comm.rank() == rank ? at : -1);
      if (comm.rank() == rank) compare_with("x", x.grad().view({-1})[at].item<double>(), expected);
    }
  }
  for (const std::int64_t at : {0, 23}) {
    compare_with("weight", dweight[at].item<double>(), slope(weight, at));
  }
  return wrong;
}

/// A teacher in training mode: forward only, statistics of all ranks.
std::string without_gradients(Communicator& comm) {
  const at::NoGradGuard no_grad;
  const Shares shares = shares_for(comm.size())[1];
  const Range own = range_of(shares, comm.rank());
  std::string wrong;
  for (const auto format : {at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous}) {
    const NormCase c{.format = format};
    Layer layer(c.type);
    set_batch_norm_mode(*layer.norm, BatchNormMode::sync, &comm);
    const at::Tensor y = layer(part(whole("x", shares), own, c));
    if (y.requires_grad()) wrong += "the output has a gradient\n";
    const at::Tensor mean = whole("x", shares).mean({0, 2, 3});
    wrong += compare("running mean", layer.buffer("running_mean"), 0.1 * mean, mean, 1e-6);
    if (layer.buffer("num_batches_tracked").item<std::int64_t>() != 1) wrong += "not counted once";
  }
  return wrong;
}

/// As activation checkpointing does it: a forward that is thrown away, one for the gradient.
std::string a_forward_more_than_backwards(Communicator& comm) {
  const Shares shares = shares_for(comm.size())[1];
  const Range own = range_of(shares, comm.rank());
  const NormCase c{.activation = Activation::relu};
  Layer once(c.type), again(c.type);
  for (Layer* layer : {&once, &again}) {
    set_batch_norm_mode(*layer->norm, BatchNormMode::sync, &comm);
  }
  const Outcome expected = outcome(once, c, shares, own);
  {
    const at::NoGradGuard no_grad;
    again(part(whole("x", shares), own, c));
  }
  const Outcome actual = outcome(again, c, shares, own);
  return at::equal(actual.dx, expected.dx) && at::equal(actual.y, expected.y) ? "" : "not the same";
}

/// Values far from zero, a mean of its own on each rank: the sums of squares keep their digits.
std::string far_from_zero(Communicator& comm) {
  const Shares shares(static_cast<std::size_t>(comm.size()), 2);
  at::Tensor values = closed_form("x", {2 * comm.size(), kChannels, kHeight, kWidth}) + 1000;
  for (int rank = 0; rank < comm.size(); ++rank) values.narrow(0, 2 * rank, 2).add_(0.25 * rank);
  Layer layer(at::kFloat);
  set_batch_norm_mode(*layer.norm, BatchNormMode::sync, &comm);
  layer(part(values, range_of(shares, comm.rank()), {}));
  const at::Tensor exact = 0.9 + 0.1 * values.to(at::kDouble).var(at::IntArrayRef{0, 2, 3}, true);
  return compare("running variance", layer.buffer("running_var"), exact, exact, 1e-5);
}

}  // namespace

const std::vector<SyncNormCheck>& sync_norm_checks() {
  static const std::vector<SyncNormCheck> checks{
      {"FusedEqualsTheWholeBatch", fused},
      {"ContiguousEqualsTheWholeBatch", contiguous},
      {"RanksMayDifferInMemoryFormat", mixed_formats},
      {"GradientIsThatOfTheGlobalLoss", finite_differences},
      {"StatisticsWithoutGradients", without_gradients},
      {"ForwardMayRunTwice", a_forward_more_than_backwards},
      {"KeepsTheVarianceFarFromZero", far_from_zero}};
  return checks;
}

}  // namespace dusk::test
