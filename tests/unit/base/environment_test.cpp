#include "dusk/base/environment.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>  // setenv is POSIX, not C++

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"

namespace dusk {
namespace {

/// Clears every variable that is read, and restores all of them afterwards.
class EnvironmentTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_ID",
          "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "OMPI_COMM_WORLD_LOCAL_RANK",
          "MPI_LOCALRANKID", "SLURM_LOCALID", "OMP_NUM_THREADS", "NO_COLOR"}) {
      const char* value = std::getenv(name);
      saved_[name] = value == nullptr ? std::nullopt : std::optional<std::string>(value);
      ::unsetenv(name);
    }
  }
  void TearDown() override {
    for (const auto& [name, value] : saved_) {
      value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
    }
  }
  static void set(const char* name, const char* value) { ::setenv(name, value, 1); }

 private:
  std::map<std::string, std::optional<std::string>> saved_;
};

TEST_F(EnvironmentTest, NothingSetMeansNothingClaimed) {
  const Environment environment = Environment::read();
  EXPECT_TRUE(environment.claimed_ranks.empty());
  EXPECT_EQ(environment.local_rank, std::nullopt);
  EXPECT_EQ(environment.cpu_threads, std::nullopt);
  EXPECT_EQ(environment.allocated_tasks, std::nullopt);
  EXPECT_FALSE(environment.no_color);
  EXPECT_FALSE(environment.host.empty());
}

TEST_F(EnvironmentTest, LaunchersClaimTheirRanks) {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"}) {
    set(name, "3");
    const Environment environment = Environment::read();
    ASSERT_EQ(environment.claimed_ranks.size(), 1U) << name;
    EXPECT_EQ(environment.claimed_ranks[0].variable, name);
    EXPECT_EQ(environment.claimed_ranks[0].ranks, 3);
    ::unsetenv(name);
  }
}

/// A batch shell has SLURM_NTASKS too, but a program in it is alone.
TEST_F(EnvironmentTest, SlurmCountsOnlyWithinAStep) {
  set("SLURM_NTASKS", "8");
  set("SLURM_STEP_NUM_TASKS", "8");
  EXPECT_TRUE(Environment::read().claimed_ranks.empty());
  EXPECT_EQ(Environment::read().allocated_tasks, 8);
  set("SLURM_STEP_ID", "0");
  set("SLURM_PROCID", "2");
  ASSERT_EQ(Environment::read().claimed_ranks.size(), 1U);
  EXPECT_EQ(Environment::read().claimed_ranks[0].ranks, 8);
}

TEST_F(EnvironmentTest, LocalRankOfAnyLauncher) {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"}) {
    set(name, "1");
    EXPECT_EQ(Environment::read().local_rank, 1) << name;
    ::unsetenv(name);
  }
}

TEST_F(EnvironmentTest, NumbersThatAreNoneAreRefusedByName) {
  for (const char* value : {"three", "3x", "-1", "99999999999999"}) {
    set("PMI_SIZE", value);
    const auto message = test::message_of<ConfigError>([] { (void)Environment::read(); });
    test::expect_contains(message, "PMI_SIZE");
    test::expect_contains(message, value);
  }
}

TEST_F(EnvironmentTest, EmptyIsNotSet) {
  set("PMI_SIZE", "");
  set("NO_COLOR", "");
  EXPECT_TRUE(Environment::read().claimed_ranks.empty());
  EXPECT_FALSE(Environment::read().no_color);
  set("NO_COLOR", "1");
  EXPECT_TRUE(Environment::read().no_color);
}

TEST_F(EnvironmentTest, ThreadsAreTheFirstOfOpenMpsList) {
  set("OMP_NUM_THREADS", "4,2");
  EXPECT_EQ(Environment::read().cpu_threads, 4);
  set("OMP_NUM_THREADS", "6");
  EXPECT_EQ(Environment::read().cpu_threads, 6);
  for (const char* value : {"0", "many", "-2"}) {
    set("OMP_NUM_THREADS", value);
    EXPECT_EQ(Environment::read().cpu_threads, std::nullopt) << value;
  }
}

TEST(CacheSize, IsReadAsTheKernelWritesIt) {
  EXPECT_EQ(parse_cache_size("1024K"), 1_MiB);
  EXPECT_EQ(parse_cache_size("2M"), 2_MiB);
  for (const char* text : {"", "K", "1024", "1024KB", "-1K", " 1K", "99999999999K", "1G"}) {
    EXPECT_EQ(parse_cache_size(text), Bytes{}) << text;
  }
}

}  // namespace
}  // namespace dusk
