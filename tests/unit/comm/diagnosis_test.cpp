#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/comm/flight_report.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using State = CollectiveReport::State;

/// A report of rank `rank` of 3 that has issued `issued` collectives "grad K" on 'device'.
FlightReport report(int rank, std::uint64_t issued, State last, Phase phase) {
  FlightReport r;
  r.launch = "5eed";
  r.rank = rank;
  r.size = 3;
  r.host = "node7";
  r.process = 4000 + rank;
  r.activity = {
      .phase = phase, .phase_seconds = 612, .step = 40, .finished_steps = 3, .reading = {}};
  r.communicators = {{"device", rank, 3, issued}};
  for (std::uint64_t i = 0; i < issued; ++i) {
    const bool is_last = i + 1 == issued;
    r.collectives.push_back({.communicator = "device",
                             .sequence = i,
                             .kind = "all-reduce",
                             .name = "grad " + std::to_string(i),
                             .bytes = 26214400,
                             .type = "float32",
                             .where = "src/ddp/gradient_bucketer.cpp:120",
                             .phase = Phase::compute,
                             .step = 40,
                             .state = is_last ? last : State::done,
                             .awaited = is_last,
                             .issued_seconds = 611,
                             .done_seconds = is_last ? 0.0 : 612.0,
                             .error = is_last && last == State::failed ? "it failed" : ""});
  }
  return r;
}

TEST(Diagnosis, NamesTheRankThatHasNotComeWithItsPhaseAndItsShard) {
  FlightReport behind = report(1, 5, State::done, Phase::data);
  behind.activity.reading = {{"shard-00007.h5", "lindau_3", 610}};
  const Diagnosis d = diagnose({report(0, 6, State::queued, Phase::exchange), behind,
                                report(2, 6, State::queued, Phase::exchange)});
  EXPECT_EQ(d.guilty, std::vector<int>{1});
  EXPECT_EQ(
      d.sentence,
      "ranks 0, 2 wait in #5 of 'device', all-reduce of 'grad 5' (25.0 MiB, float32), issued "
      "at src/ddp/gradient_bucketer.cpp:120; rank 1 has not come there, in phase data of step "
      "40 for 10 min 12 s, reading shard-00007.h5 (sample 'lindau_3') for 10 min 10 s, its "
      "last there was #4 of 'device', all-reduce of 'grad 4' (25.0 MiB, float32), issued at "
      "src/ddp/gradient_bucketer.cpp:120");
}

TEST(Diagnosis, BlamesTheOneThatWaitsForNobodyNotThoseWhoWaitForIt) {
  // Rank 0 waits for 1, rank 1 waits for 2 on another communicator, rank 2 computes.
  FlightReport first = report(0, 6, State::queued, Phase::exchange);
  FlightReport second = report(1, 5, State::done, Phase::exchange);
  second.communicators.push_back({"pair", 0, 2, 1});
  second.collectives.push_back({.communicator = "pair",
                                .sequence = 0,
                                .kind = "barrier",
                                .name = "meet",
                                .where = "a.cpp:1",
                                .awaited = true,
                                .error = {}});
  FlightReport third = report(2, 5, State::done, Phase::compute);
  third.communicators.push_back({"pair", 1, 2, 0});
  EXPECT_EQ(diagnose({first, second, third}).guilty, std::vector<int>{2});
}

TEST(Diagnosis, WhatIsPendingWithoutAWaiterIsNoWait) {
  // Rank 1 has posted the stop flag and reads on; only rank 0 waits for anything.
  FlightReport busy = report(1, 5, State::queued, Phase::data);
  busy.collectives.back().awaited = false;
  const Diagnosis d = diagnose({report(0, 6, State::queued, Phase::exchange), busy,
                                report(2, 6, State::queued, Phase::exchange)});
  EXPECT_EQ(d.guilty, std::vector<int>{1});
  expect_contains(d.sentence, "rank 1 has not come there, in phase data");
}

TEST(Diagnosis, NamesTheRankThatDoesSomethingElse) {
  FlightReport odd = report(2, 6, State::failed, Phase::exchange);
  odd.collectives.back().bytes = 26214404;
  const Diagnosis d = diagnose({report(0, 6, State::failed, Phase::exchange),
                                report(1, 6, State::failed, Phase::exchange), odd});
  EXPECT_EQ(d.guilty, std::vector<int>{2});
  expect_contains(d.sentence, "ranks do different things: ranks 0, 1: #5 of 'device'");
  expect_contains(d.sentence, "; rank 2 differs");
}

TEST(Diagnosis, OfTwoThatDifferBothAreNamed) {
  FlightReport odd = report(1, 6, State::failed, Phase::exchange);
  odd.collectives.back().name = "loss";
  FlightReport other = report(0, 6, State::failed, Phase::exchange);
  odd.size = other.size = 2;
  EXPECT_EQ(diagnose({other, odd}).guilty, (std::vector<int>{0, 1}));
}

TEST(Diagnosis, NamesTheRankThatFailedAndNotThoseThatFailedBecauseOfIt) {
  FlightReport failed = report(1, 5, State::done, Phase::data);
  failed.error = "shard-00007.h5: sample 'lindau_3': checksum";
  FlightReport answer = report(0, 6, State::failed, Phase::exchange);
  answer.error = "all-reduce was ended: rank 1 failed";
  answer.consequence = true;
  const Diagnosis d = diagnose({answer, failed, report(2, 6, State::queued, Phase::exchange)});
  EXPECT_EQ(d.guilty, std::vector<int>{1});
  expect_contains(d.sentence, "rank 2 waits in #5 of 'device'");
  expect_contains(d.sentence, "rank 1 failed, in phase data of step 40");
  expect_contains(d.sentence, "shard-00007.h5: sample 'lindau_3': checksum");
}

TEST(Diagnosis, SaysWhatTheOthersKnowOfARankWithoutReport) {
  std::vector<FlightReport> reports = {report(0, 6, State::queued, Phase::exchange),
                                       report(2, 6, State::queued, Phase::exchange)};
  Diagnosis d = diagnose(reports);
  EXPECT_EQ(d.guilty, std::vector<int>{1});
  expect_contains(d.sentence, "rank 1 left no report: its process or its node does not answer");
  reports[1].peers = {{0, 4000, "running"}, {1, 4001, "gone"}};
  d = diagnose(reports);
  EXPECT_EQ(d.guilty, std::vector<int>{1});
  expect_contains(d.sentence, "rank 1 left no report: process 4001 on node7 is gone");
  reports[1].peers[1].state = "stopped";
  expect_contains(diagnose(reports).sentence, "process 4001 on node7 is stopped");
  reports[1].peers[1].state = "running";
  expect_contains(diagnose(reports).sentence, "process 4001 on node7 lives, but");
}

TEST(Diagnosis, WithNobodyBehindTheExchangeItselfIsNamed) {
  std::vector<FlightReport> reports;
  for (int rank = 0; rank < 3; ++rank)
    reports.push_back(report(rank, 6, State::queued, Phase::exchange));
  const Diagnosis d = diagnose(reports);
  EXPECT_TRUE(d.guilty.empty());
  expect_contains(d.sentence, "ranks 0, 1, 2 wait in #5");
  expect_contains(d.sentence, "the exchange itself stands still");
}

TEST(Diagnosis, ARankThatStandsStillAloneIsNamed) {
  FlightReport alone = report(0, 5, State::done, Phase::checkpoint);
  alone.size = 1;
  const Diagnosis d = diagnose({alone});
  EXPECT_EQ(d.guilty, std::vector<int>{0});
  expect_contains(d.sentence, "rank 0 has stood still, in phase checkpoint");
}

TEST(Diagnosis, RanksThatWaitForEachOtherAreSaidToDoSo) {
  FlightReport first = report(0, 1, State::queued, Phase::exchange);
  FlightReport second = report(1, 0, State::queued, Phase::exchange);
  first.size = second.size = 2;
  first.communicators.push_back({"other", 0, 2, 0});
  second.communicators = {{"device", 1, 2, 0}, {"other", 1, 2, 1}};
  second.collectives = {{.communicator = "other",
                         .sequence = 0,
                         .kind = "barrier",
                         .name = "x",
                         .where = "a.cpp:1",
                         .awaited = true,
                         .error = {}}};
  expect_contains(diagnose({first, second}).sentence, "they wait for each other");
}

TEST(Diagnosis, TheTableHasALineForEveryRank) {
  FlightReport seen = report(2, 6, State::queued, Phase::exchange);
  seen.peers = {{1, 4001, "gone"}};
  const std::string table = table_of({report(0, 6, State::queued, Phase::exchange), seen});
  expect_contains(table, "    0  node7:4000");
  expect_contains(table, "    1  no report: process 4001 on node7 is gone");
  expect_contains(table, "    2  node7:4002");
}

FlightReport full_report() {
  FlightReport r = report(1, 3, State::failed, Phase::validate);
  r.asked_by = 2;
  r.reason = "time-out";
  r.error = "it was \"ended\"\n";
  r.consequence = true;
  r.activity.reading = {{"a.h5", "caf\xc3\xa9", 1.5}};
  r.peers = {{0, 4000, "stopped"}};
  r.threads = {{4001, "dusk", {"main", "start"}}, {4002, "dusk-comm", {}}};
  return r;
}

TEST(FlightReport, IsReadBackAsItWasWritten) {
  const FlightReport before = full_report();
  const std::string text = format_report(before);
  const FlightReport after = parse_report(text, "rank-0001.json");
  EXPECT_EQ(format_report(after), text);
  EXPECT_EQ(after.rank, 1);
  EXPECT_EQ(after.error, before.error);
  EXPECT_EQ(after.activity.phase, Phase::validate);
  ASSERT_EQ(after.collectives.size(), 3u);
  EXPECT_EQ(after.collectives[2].state, State::failed);
  EXPECT_EQ(after.collectives[2].error, "it failed");
  EXPECT_EQ(after.threads[0].frames, (std::vector<std::string>{"main", "start"}));
}

TEST(FlightReport, NamesThatAreNoUtf8StillMakeAReport) {
  FlightReport r = full_report();
  r.activity.reading[0].sample = "\xff\xfe";
  EXPECT_EQ(parse_report(format_report(r), "x").rank, 1);
}

TEST(FlightReport, DamageIsADataErrorThatNamesFileAndKey) {
  const std::string text = format_report(full_report());
  const auto message = [](const std::string& damaged) {
    return test::message_of<DataError>([&] { (void)parse_report(damaged, "rank-0001.json"); });
  };
  expect_contains(message(text.substr(0, text.size() / 2)), "rank-0001.json is no JSON");
  expect_contains(message("[]"), "rank-0001.json is no object");
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string damaged = text;
    const auto at = damaged.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return damaged.replace(at, from.size(), to);
  };
  expect_contains(message(replaced("\"rank\": 1,\n \"reason\"", "\"rank\": 7,\n \"reason\"")),
                  "rank 7 of 3");
  expect_contains(
      message(replaced("\"size\": 3,\n \"threads\"", "\"size\": 4000000000,\n \"threads\"")),
      "rank-0001.json.size");
  expect_contains(message(replaced("\"phase\": \"validate\"", "\"phase\": \"sleep\"")),
                  "rank-0001.json.activity.phase is 'sleep'");
  expect_contains(message(replaced("\"state\": \"failed\"", "\"state\": 3")),
                  "rank-0001.json.collectives[2].state has the wrong type");
  expect_contains(message(replaced("\"launch\"", "\"lunch\"")), "has no 'launch'");
}

TEST(FlightReport, OnlyTheReportsOfOneLaunchAreRead) {
  const test::TempFolder folder;
  for (int rank = 0; rank < 3; ++rank) {
    FlightReport r = report(rank, 1, State::done, Phase::data);
    if (rank == 1) r.launch = "0ld";
    folder.write("rank-000" + std::to_string(rank) + ".json", format_report(r));
  }
  folder.write("call", "not a report");
  const auto reports = read_reports(folder.path());
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].rank, 0);
  EXPECT_EQ(reports[1].rank, 2);
  EXPECT_TRUE(read_reports(folder / "absent").empty());
}

}  // namespace
}  // namespace dusk
