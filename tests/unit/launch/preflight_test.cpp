#include "launch/preflight.hpp"

#include <gtest/gtest.h>

#include "support/expect_error.hpp"

namespace dusk::launch {
namespace {

/// Two healthy ranks on a host of four cores, started by launch/local.sh.
LaunchFacts healthy() {
  LaunchFacts facts{.ranks = {}, .exchange = "MPI, shared memory", .seconds = 0.01};
  for (int rank = 0; rank < 2; ++rank) {
    facts.ranks.push_back({.rank = rank,
                           .local_rank = rank,
                           .host = "node1",
                           .pid = 100 + rank,
                           .device = "cpu Example",
                           .gpu = "",
                           .cores = {0, 1, 2, 3},
                           .host_cores = 4,
                           .threads = 2,
                           .claims = {{"OMPI_COMM_WORLD_SIZE", 2}},
                           .allocated_tasks = std::nullopt,
                           .nccl_compiled = 22809,
                           .nccl_loaded = 22809,
                           .clock_ahead = 0.002 * rank,
                           .free_space = 50_GiB});
  }
  return facts;
}

LaunchFacts on_gpus() {
  LaunchFacts facts = healthy();
  facts.ranks[0].gpu = "GPU-aa";
  facts.ranks[1].gpu = "GPU-bb";
  return facts;
}

/// What is not ok, all of it.
std::vector<Finding> complaints(const LaunchFacts& facts) {
  std::vector<Finding> bad;
  for (const Finding& finding : judge(facts)) {
    if (finding.verdict != Verdict::ok) bad.push_back(finding);
  }
  return bad;
}

/// Exactly one complaint, of this check and verdict, whose text holds all `words`.
void expect_only(const LaunchFacts& facts, Verdict verdict, const std::string& check,
                 const std::vector<std::string>& words) {
  const auto bad = complaints(facts);
  ASSERT_EQ(bad.size(), 1U) << (bad.empty() ? "nothing found" : bad.back().text);
  EXPECT_EQ(to_string(bad[0].verdict), to_string(verdict));
  EXPECT_EQ(bad[0].check, check);
  for (const std::string& word : words) test::expect_contains(bad[0].text, word);
}

TEST(Preflight, HealthyLaunchHasOneOkOfEveryCheck) {
  const auto findings = judge(healthy());
  ASSERT_EQ(findings.size(), 7U);
  std::string checks;
  for (const Finding& finding : findings) {
    EXPECT_EQ(finding.verdict, Verdict::ok) << finding.text;
    checks += finding.check + " ";
  }
  EXPECT_EQ(checks, "ranks cores threads devices nccl clocks disk ");
}

TEST(Preflight, RefusesSeveralThreadsOnTheOneCoreThatOpenMpiGives) {
  LaunchFacts facts = healthy();
  facts.ranks[0].cores = {0};
  facts.ranks[1].cores = {1};
  auto bad = complaints(facts);
  ASSERT_EQ(bad.size(), 2U);  // and more threads than cores
  EXPECT_EQ(bad[0].verdict, Verdict::refusal);
  for (const char* word :
       {"rank 0 on node1", "core 0 of 4", "2 threads", "launch/local.sh", "--bind-to none"}) {
    test::expect_contains(bad[0].text, word);
  }
  EXPECT_EQ(bad[1].check, "threads");
}

TEST(Preflight, OneThreadOnOneCoreLeavesCoresIdle) {
  LaunchFacts facts = healthy();
  for (RankFacts& rank : facts.ranks) {
    rank.cores = {rank.rank};
    rank.threads = 1;
  }
  expect_only(facts, Verdict::warning, "cores", {"node1", "2 of 4 cores", "--bind-to none"});
  for (RankFacts& rank : facts.ranks) rank.host_cores = 2;  // every core has its rank
  EXPECT_TRUE(complaints(facts).empty());
  for (RankFacts& rank : facts.ranks) {
    rank.host_cores = 64;
    rank.allocated_tasks = 2;  // Slurm gave a core a task
  }
  EXPECT_TRUE(complaints(facts).empty());
}

/// Others bind, too (taskset, Slurm's cgroups): that is the user's will.
TEST(Preflight, BindingByOthersIsNoRefusal) {
  LaunchFacts facts = healthy();
  for (RankFacts& rank : facts.ranks) {
    rank.claims = {};
    rank.cores = {0};
  }
  expect_only(facts, Verdict::warning, "threads", {"4 thread(s) of 2 rank(s) share 1 core(s)"});
}

TEST(Preflight, ThreadsAreCountedByHost) {
  LaunchFacts facts = healthy();
  facts.ranks[1].threads = 3;
  expect_only(facts, Verdict::warning, "threads",
              {"node1", "5 thread(s) of 2 rank(s) share 4 core(s)", "OMP_NUM_THREADS to 2"});
  facts.ranks[1].host = "node2";
  EXPECT_TRUE(complaints(facts).empty());
}

TEST(Preflight, RefusesTwoRanksOnOneGpu) {
  LaunchFacts facts = on_gpus();
  EXPECT_TRUE(complaints(facts).empty());
  facts.ranks[1].gpu = "GPU-aa";
  expect_only(facts, Verdict::refusal, "devices", {"ranks 0 and 1 on node1", "GPU-aa"});
}

TEST(Preflight, RefusesDevicesOfTwoKinds) {
  LaunchFacts facts = on_gpus();
  facts.ranks[1].gpu = "";
  expect_only(facts, Verdict::refusal, "devices", {"rank 1", "same kind"});
}

TEST(Preflight, NcclMustBeTheSameOnAllHostsAndNotOlderThanBuiltWith) {
  LaunchFacts facts = on_gpus();
  facts.ranks[1].nccl_loaded = 22703;
  expect_only(facts, Verdict::refusal, "nccl", {"rank 1", "2.27.3", "2.28.9"});
  facts.ranks[0].nccl_loaded = 22703;
  expect_only(facts, Verdict::warning, "nccl", {"2.27.3", "older than 2.28.9"});
  facts.ranks[0].nccl_loaded = facts.ranks[1].nccl_loaded = 2804;  // before the numbers grew
  expect_only(facts, Verdict::warning, "nccl", {"2.8.4"});
  for (RankFacts& rank : facts.ranks) rank.nccl_compiled = rank.nccl_loaded = 0;
  EXPECT_TRUE(complaints(facts).empty());
}

TEST(Preflight, WorldSizeAgainstTheLaunchers) {
  LaunchFacts facts = healthy();
  for (RankFacts& rank : facts.ranks) rank.claims = {{"OMPI_COMM_WORLD_SIZE", 4}};
  expect_only(facts, Verdict::refusal, "ranks", {"OMPI_COMM_WORLD_SIZE=4", "2 rank(s)"});
  for (RankFacts& rank : facts.ranks) rank.claims.push_back({"PMI_SIZE", 2});  // one is right
  EXPECT_TRUE(complaints(facts).empty());
  for (RankFacts& rank : facts.ranks) {
    rank.claims = {};
    rank.allocated_tasks = 8;
  }
  expect_only(facts, Verdict::warning, "ranks", {"SLURM_NTASKS=8", "srun"});
  for (RankFacts& rank : facts.ranks) rank.allocated_tasks = 2;
  EXPECT_TRUE(complaints(facts).empty());
}

TEST(Preflight, ClocksThatDiffer) {
  LaunchFacts facts = healthy();
  facts.ranks[1].host = "node2";
  facts.ranks[1].clock_ahead = -2.5;
  expect_only(facts, Verdict::warning, "clocks", {"node2 (rank 1)", "2.5 s behind", "node1"});
  facts.ranks[1].clock_ahead = 2.5;
  expect_only(facts, Verdict::warning, "clocks", {"2.5 s ahead of"});
}

TEST(Preflight, LittleSpaceForTheRunDirectory) {
  LaunchFacts facts = healthy();
  for (RankFacts& rank : facts.ranks) rank.free_space = 100_MiB;
  expect_only(facts, Verdict::warning, "disk", {"100.0 MiB", "node1"});  // once a host
  for (RankFacts& rank : facts.ranks) rank.free_space = std::nullopt;
  EXPECT_TRUE(complaints(facts).empty());
}

TEST(Preflight, TableHasALineForEveryRank) {
  LaunchFacts facts = on_gpus();
  facts.ranks[1].host = "a-host-with-a-long-name";
  facts.ranks[1].cores = {0, 1, 2, 5, 7, 8};
  const std::string text = table(facts);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  for (const char* word : {"rank", "cores", "node1", "a-host-with-a-long-name", "101", "0-2,5,7-8",
                           "cpu Example GPU-bb"}) {
    test::expect_contains(text, word);
  }
  EXPECT_EQ(ranges({}), "");
  EXPECT_EQ(ranges({4}), "4");
}

}  // namespace
}  // namespace dusk::launch
