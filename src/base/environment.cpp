#include "dusk/base/environment.hpp"

#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

std::optional<std::string_view> variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<int> number(const char* name) {
  const auto text = variable(name);
  if (!text) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value < 0) {
    fail<ConfigError>("environment variable {} is '{}', expected a whole number >= 0", name, *text);
  }
  return value;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown-host";
  return name.data();
}

/// OMP_NUM_THREADS may be a list ("4,2"): the first entry counts for the outermost level.
std::optional<int> openmp_threads() {
  const auto text = variable("OMP_NUM_THREADS");
  if (!text) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || value < 1) return std::nullopt;
  return value;
}

/// The kernel numbers a core's caches; the second level is the unified one.
Bytes read_core_cache() {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index2/size");
  std::string text;
  std::getline(file, text);
  return parse_cache_size(text);
}

}  // namespace

Bytes parse_cache_size(std::string_view text) {
  std::uint32_t count = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, count);
  if (error != std::errc{} || last - end != 1) return {};
  if (*end == 'K') return Bytes{std::size_t{count} << 10};
  if (*end == 'M') return Bytes{std::size_t{count} << 20};
  return {};
}

Environment Environment::read() {
  Environment result;
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"}) {
    if (const auto ranks = number(name)) result.claimed_ranks.push_back({name, *ranks});
  }
  // SLURM_NTASKS alone is also set in a batch shell; only within a step does it count our ranks.
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMI_RANK"}) {
    if (!result.rank) result.rank = number(name);
  }
  if (variable("SLURM_STEP_ID") && variable("SLURM_PROCID")) {
    if (!result.rank) result.rank = number("SLURM_PROCID");
    if (const auto ranks = number("SLURM_STEP_NUM_TASKS")) {
      result.claimed_ranks.push_back({"SLURM_STEP_NUM_TASKS", *ranks});
    }
  }
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"}) {
    if (!result.local_rank) result.local_rank = number(name);
  }
  result.cpu_threads = openmp_threads();
  result.allocated_tasks = number("SLURM_NTASKS");
  result.no_color = variable("NO_COLOR").has_value();
  result.interactive = ::isatty(STDERR_FILENO) != 0;
  result.core_cache = read_core_cache();
  result.host = host_name();
  return result;
}

}  // namespace dusk
