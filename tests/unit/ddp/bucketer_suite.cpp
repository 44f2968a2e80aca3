#include "unit/ddp/bucketer_suite.hpp"

#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/error.hpp"
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
      {"declared_unused_parameters_are_zero", &declared_unused_parameters_are_zero},
      {"norm_and_clip_are_the_same_everywhere", &norm_and_clip_are_the_same_everywhere},
      {"fingerprints_find_the_first_difference", &fingerprints_find_the_first_difference},
      {"fingerprints_find_other_sets", &fingerprints_find_other_sets}};
  return checks;
}

}  // namespace dusk::test
