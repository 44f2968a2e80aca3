#include "comm/core_share.hpp"

#include <sched.h>
#include <unistd.h>

#include <cstddef>

namespace dusk::comm {

std::vector<int> allowed_cores() {
  cpu_set_t set;
  std::vector<int> cores;
  if (::sched_getaffinity(::getpid(), sizeof(set), &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

std::vector<int> share_of(const std::vector<int>& cores, int rank, int ranks) {
  const auto total = static_cast<std::ptrdiff_t>(cores.size());
  if (total < ranks) return cores;
  return {cores.begin() + total * rank / ranks, cores.begin() + total * (rank + 1) / ranks};
}

void keep_thread_on(const std::vector<int>& cores) noexcept {
  if (cores.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(static_cast<std::size_t>(core), &set);
  ::sched_setaffinity(0, sizeof(set), &set);
}

}  // namespace dusk::comm
