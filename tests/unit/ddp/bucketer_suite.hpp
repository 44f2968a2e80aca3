#pragma once

#include <string>
#include <vector>

#include "dusk/comm/communicator.hpp"

namespace dusk::test {

/// What every communicator must let the bucketer do. Each check runs on every rank, issues the same
/// collectives everywhere, and returns what went wrong there ("" for nothing) instead of asserting.
struct BucketerCheck {
  const char* name;
  std::string (*run)(Communicator& comm);
};

[[nodiscard]] const std::vector<BucketerCheck>& bucketer_checks();

/// One of them, in a file of its own (adversarial_check.cpp).
[[nodiscard]] std::string adversarial_training_exchanges_each_network_at_its_own_moment(
    Communicator& comm);

}  // namespace dusk::test
