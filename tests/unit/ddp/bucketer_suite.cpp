#include "unit/ddp/bucketer_suite.hpp"

#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"
#include "dusk/ddp/fingerprint.hpp"
#include "dusk/ddp/gradient_bucketer.hpp"
#include "unit/ddp/toy_network.hpp"

namespace dusk::test {
namespace {

/// Small buckets, so that the toy network has several.
constexpr BucketOptions kSmall{.first = Bytes{256}, .rest = Bytes{1024}};

/// The gradients of `ranks` backwards of the toy network with the inputs of all ranks, added up by
/// a plain loop without bucketer or communicator.
std::vector<at::Tensor> plain_sums(const ToyNetwork& shape, int ranks, int backwards) {
  std::vector<at::Tensor> sums;
  for (int rank = 0; rank < ranks; ++rank) {
    for (int turn = 0; turn < backwards; ++turn) {
      ToyNetwork copy = shape.clone();
      const auto gradients = torch::autograd::grad({copy.loss(rank, turn)}, copy.tensors());
      for (std::size_t i = 0; i < gradients.size(); ++i) {
        if (sums.size() <= i) sums.push_back(torch::zeros_like(gradients[i]));
        sums[i] += gradients[i];
      }
    }
  }
  return sums;
}

std::string compare(const ToyNetwork& network, const std::vector<at::Tensor>& expected) {
  const auto& parameters = network.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].tensor.grad().equal(expected[i])) {
      return fmt::format("gradient of '{}' is not the sum", parameters[i].name);
    }
  }
  return "";
}

/// Values are whole numbers: whatever the order of addition, the sums are exact.
std::string equals_a_plain_sum(Communicator& comm) {
  ToyNetwork network(1);
  GradientBucketer bucketer(network.parameters(), comm, kSmall);
  if (bucketer.bucket_count() < 3) return "the network should fill several buckets";
  const auto expected = plain_sums(network, comm.size(), 1);
  for (int step = 0; step < 3; ++step) {
    bucketer.zero();
    bucketer.arm();
    network.loss(comm.rank(), 0).backward();
    bucketer.finish();
    const std::string wrong = compare(network, expected);
    if (!wrong.empty()) return wrong;
  }
  return "";
}

std::string several_backwards_are_exchanged_once(Communicator& comm) {
  ToyNetwork network(2);
  GradientBucketer bucketer(network.parameters(), comm, kSmall);
  const auto expected = plain_sums(network, comm.size(), 3);
  bucketer.zero();
  network.loss(comm.rank(), 0).backward();
  network.loss(comm.rank(), 1).backward();
  bucketer.arm();
  network.loss(comm.rank(), 2).backward();
  bucketer.finish();
  return compare(network, expected);
}

/// As in a GAN: the generator's backward runs through the discriminator, whose gradients of that
/// moment are thrown away; each is armed for its own backward.
std::string two_networks_with_different_moments(Communicator& comm) {
  ToyNetwork generator(3);
  ToyNetwork discriminator(4);
  GradientBucketer first(generator.parameters(), comm, kSmall, "generator");
  GradientBucketer second(discriminator.parameters(), comm, kSmall, "discriminator");
  const auto expected_first = plain_sums(generator, comm.size(), 1);
  const auto expected_second = plain_sums(discriminator, comm.size(), 2);

  first.zero();
  second.zero();
  first.arm();
  (generator.loss(comm.rank(), 0) + discriminator.loss(comm.rank(), 5)).backward();
  second.zero();  // while the generator's gradients travel
  discriminator.loss(comm.rank(), 0).backward();
  second.arm();
  discriminator.loss(comm.rank(), 1).backward();
  second.finish();
  first.finish();
  const std::string wrong = compare(generator, expected_first);
  return wrong.empty() ? compare(discriminator, expected_second) : wrong;
}

/// Both armed for one backward: each has a communicator of its own.
std::string two_networks_armed_together(Communicator& comm) {
  const auto other = comm.split(0, comm.rank());
  ToyNetwork a(5);
  ToyNetwork b(6);
  GradientBucketer first(a.parameters(), comm, kSmall, "a");
  GradientBucketer second(b.parameters(), *other, kSmall, "b");
  const auto expected_a = plain_sums(a, comm.size(), 1);
  const auto expected_b = plain_sums(b, comm.size(), 1);
  first.arm();
  second.arm();
  // Ranks build their graphs in different orders, so gradients arrive in different orders.
  if (comm.rank() % 2 == 0) {
    (a.loss(comm.rank(), 0) + b.loss(comm.rank(), 0)).backward();
  } else {
    (b.loss(comm.rank(), 0) + a.loss(comm.rank(), 0)).backward();
  }
  second.finish();
  first.finish();
  const std::string wrong = compare(a, expected_a);
  return wrong.empty() ? compare(b, expected_b) : wrong;
}

/// Gradients arrive in another order on every rank; buckets must still go out in one order.
std::string arrival_order_does_not_matter(Communicator& comm) {
  ToyNetwork network(7);
  GradientBucketer bucketer(network.parameters(), comm, kSmall);
  const auto expected = plain_sums(network, comm.size(), 1);
  bucketer.arm();
  network.loss(comm.rank(), 0, /*layers_reversed=*/comm.rank() % 2 == 1).backward();
  bucketer.finish();
  return compare(network, expected);
}

/// While backward is still busy with the first layer, the last layer's gradients are already those
/// of all ranks: a barrier behind the bucket on the same communicator is done when the bucket is.
std::string the_exchange_runs_inside_backward(Communicator& comm) {
  const ToyNetwork network(12);
  GradientBucketer bucketer(network.parameters(), comm, kSmall);
  const auto expected = plain_sums(network, comm.size(), 1);
  bool seen = false;
  bool was_sum = false;
  network.parameters().front().tensor.register_hook([&](const at::Tensor& /*gradient*/) {
    comm.barrier("inside backward").wait();
    seen = true;
    was_sum = network.parameters().back().tensor.grad().equal(expected.back());
  });
  bucketer.arm();
  network.loss(comm.rank(), 0).backward();
  bucketer.finish();
  if (!seen) return "backward did not come to the first layer";
  if (!was_sum) return "the first bucket was not exchanged before backward ended";
  return compare(network, expected);
}

/// Gradients of one rank: real numbers of very different sizes.
at::Tensor real_gradient(int rank, std::int64_t elements) {
  Random random(21, {static_cast<std::uint64_t>(rank)});
  at::Tensor values = torch::empty({elements}, torch::kDouble);
  auto* data = values.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < elements; ++i) {
    data[i] = random.normal() * std::pow(10.0, random.uniform(-6, 6));
  }
  return values.to(torch::kFloat);
}

/// Host communicators add in rank order, so even real numbers end as those of a plain loop.
std::string real_sums_are_those_in_rank_order(Communicator& comm) {
  constexpr std::int64_t kElements = 5000;
  at::Tensor expected = real_gradient(0, kElements);
  for (int rank = 1; rank < comm.size(); ++rank) expected += real_gradient(rank, kElements);
  const at::Tensor weight = torch::zeros({kElements}).requires_grad_();
  GradientBucketer bucketer({{"weight", weight}}, comm, kSmall);
  bucketer.arm();
  (weight * real_gradient(comm.rank(), kElements)).sum().backward();
  bucketer.finish();
  return weight.grad().equal(expected) ? "" : "the sum is another than in rank order";
}

/// The same numbers, held against the documented bound.
std::string compressed_sums_stay_within_their_bound(Communicator& comm) {
  constexpr std::int64_t kElements = 1000;
  at::Tensor sum = torch::zeros({kElements}, torch::kDouble);
  at::Tensor size = torch::zeros({kElements}, torch::kDouble);
  for (int rank = 0; rank < comm.size(); ++rank) {
    const at::Tensor gradient = real_gradient(rank, kElements).to(torch::kDouble);
    sum += gradient;
    size += gradient.abs();
  }

  const at::Tensor weight = torch::zeros({kElements}).requires_grad_();
  const at::Tensor bias = torch::zeros({kElements}, torch::kDouble).requires_grad_();
  BucketOptions options = kSmall;
  options.compression = GradientCompression::bf16;
  GradientBucketer bucketer({{"weight", weight}, {"bias", bias}}, comm, options);
  for (int step = 0; step < 2; ++step) {
    bucketer.zero();
    bucketer.arm();
    const at::Tensor own = real_gradient(comm.rank(), kElements);
    ((weight * own).sum() + (bias * own).sum()).backward();
    bucketer.finish();
    for (const at::Tensor& parameter : {weight, bias}) {
      const at::Tensor got = parameter.grad();
      if (got.scalar_type() != parameter.scalar_type()) return "gradients changed their type";
      const at::Tensor error = (got.to(torch::kDouble) - sum).abs();
      const double bound = comm.size() == 1 ? 0 : std::ldexp(1.0 + std::ldexp(1.0, -8), -7);
      if (!error.le(bound * size).all().item<bool>()) return "the error is larger than its bound";
      if (comm.size() > 1 && !got.to(torch::kBFloat16).to(got.scalar_type()).equal(got)) {
        return "the sum did not travel as bfloat16";
      }
    }
  }
  check_equal_on_ranks(comm, std::vector<NamedParameter>{{"w", weight.grad()}, {"b", bias.grad()}},
                       "compressed gradients");
  return "";
}

std::string declared_unused_parameters_are_zero(Communicator& comm) {
  ToyNetwork network(8);
  BucketOptions options = kSmall;
  options.find_unused = true;
  GradientBucketer bucketer(network.parameters(), comm, options);
  const auto expected = plain_sums(network, comm.size(), 1);
  // The last rank leaves the first layer out; everyone else uses it.
  const bool leaves_out = comm.rank() == comm.size() - 1;
  bucketer.arm();
  (leaves_out ? network.loss_without_first_layer(comm.rank()) : network.loss(comm.rank(), 0))
      .backward();
  bucketer.finish();
  const auto& parameters = network.parameters();
  for (std::size_t i = 2; i < parameters.size(); ++i) {
    if (!parameters[i].tensor.grad().equal(expected[i])) return parameters[i].name + " differs";
  }
  const auto without_last = plain_sums(network, comm.size() - 1, 1);
  const at::Tensor first = without_last.empty() ? torch::zeros_like(expected[0]) : without_last[0];
  return parameters[0].tensor.grad().equal(first) ? "" : "the first layer's sum is wrong";
}

std::string norm_and_clip_are_the_same_everywhere(Communicator& comm) {
  ToyNetwork network(9);
  GradientBucketer bucketer(network.parameters(), comm, kSmall);
  double squares = 0;
  for (const at::Tensor& sum : plain_sums(network, comm.size(), 1)) {
    squares += sum.to(torch::kDouble).square().sum().item<double>();
  }
  bucketer.arm();
  network.loss(comm.rank(), 0).backward();
  bucketer.finish();
  if (bucketer.norm() != std::sqrt(squares)) return "the norm is not that of the sum";
  if (bucketer.clip(2 * std::sqrt(squares)) != std::sqrt(squares)) return "clip returns the norm";
  if (bucketer.norm() != std::sqrt(squares)) return "a short gradient was scaled";
  (void)bucketer.clip(1);
  if (std::abs(bucketer.norm() - 1) > 1e-6) return "a long gradient was not scaled to its limit";
  return "";
}

std::string fingerprints_find_the_first_difference(Communicator& comm) {
  ToyNetwork network(10);
  check_equal_on_ranks(comm, network.parameters(), "student");
  if (comm.size() == 1) return "";
  const auto named = network.parameters();
  if (comm.rank() == comm.size() - 1) {
    const at::NoGradGuard no_gradient;
    at::Tensor(named[3].tensor).view(-1)[0] += 1;
    at::Tensor(named[4].tensor).view(-1)[0] += 1;
  }
  try {
    check_equal_on_ranks(comm, named, "student");
  } catch (const InternalError& error) {
    const std::string expected = fmt::format("student: '{}' of rank(s) {} differs from rank 0's",
                                             named[3].name, comm.size() - 1);
    return std::string(error.what()).find(expected) != std::string::npos ? "" : error.what();
  }
  return "a difference was not found";
}

std::string fingerprints_find_other_sets(Communicator& comm) {
  if (comm.size() == 1) return "";
  ToyNetwork network(11);
  auto named = network.parameters();
  if (comm.rank() == 1) named.pop_back();
  try {
    check_equal_on_ranks(comm, named, "teacher");
    return "another number of tensors was not found";
  } catch (const InternalError& error) {
    const std::string text = error.what();
    if (text.find("rank(s) 1 have other numbers of tensors") == std::string::npos) return text;
  }
  named = network.parameters();
  if (comm.rank() == 0) std::swap(named[0].name, named[1].name);
  try {
    check_equal_on_ranks(comm, named, "teacher");
    return "other names were not found";
  } catch (const InternalError& error) {
    const std::string text = error.what();
    return text.find("have other names") != std::string::npos ? "" : text;
  }
}

}  // namespace

const std::vector<BucketerCheck>& bucketer_checks() {
  static const std::vector<BucketerCheck> checks{
      {"equals_a_plain_sum", &equals_a_plain_sum},
      {"several_backwards_are_exchanged_once", &several_backwards_are_exchanged_once},
      {"two_networks_with_different_moments", &two_networks_with_different_moments},
      {"two_networks_armed_together", &two_networks_armed_together},
      {"arrival_order_does_not_matter", &arrival_order_does_not_matter},
      {"the_exchange_runs_inside_backward", &the_exchange_runs_inside_backward},
      {"adversarial_training_exchanges_each_network_at_its_own_moment",
       &adversarial_training_exchanges_each_network_at_its_own_moment},
      {"real_sums_are_those_in_rank_order", &real_sums_are_those_in_rank_order},
      {"compressed_sums_stay_within_their_bound", &compressed_sums_stay_within_their_bound},
      {"declared_unused_parameters_are_zero", &declared_unused_parameters_are_zero},
      {"norm_and_clip_are_the_same_everywhere", &norm_and_clip_are_the_same_everywhere},
      {"fingerprints_find_the_first_difference", &fingerprints_find_the_first_difference},
      {"fingerprints_find_other_sets", &fingerprints_find_other_sets}};
  return checks;
}

}  // namespace dusk::test
