#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace dusk::test {

/// Ends the program, saying which test and rank, when one test takes longer than `limit`. A rank
/// that hangs would otherwise only show as the time-out of the whole program, without a name.
class HangGuard final : public testing::EmptyTestEventListener {
 public:
  HangGuard(int rank, std::chrono::seconds limit);
  ~HangGuard() override;
  HangGuard(const HangGuard&) = delete;
  HangGuard& operator=(const HangGuard&) = delete;

  void OnTestStart(const testing::TestInfo& info) override;
  void OnTestEnd(const testing::TestInfo& info) override;

 private:
  void watch();

  int rank_;
  std::chrono::seconds limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string running_;  ///< name of the test; empty between tests
  std::chrono::steady_clock::time_point deadline_{};
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dusk::test
