#pragma once

#include <string>
#include <vector>

#include "dusk/comm/communicator.hpp"

namespace dusk::test {

/// Synchronised batch norm over any communicator against one process that has all samples. Each
/// check runs on every rank, issues the same collectives everywhere, and returns what went wrong
/// there ("" for nothing) instead of asserting.
struct SyncNormCheck {
  const char* name;
  std::string (*run)(Communicator& comm);
};

[[nodiscard]] const std::vector<SyncNormCheck>& sync_norm_checks();

}  // namespace dusk::test
