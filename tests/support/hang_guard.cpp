#include "support/hang_guard.hpp"

#include <cstdio>
#include <cstdlib>

namespace dusk::test {

constexpr int kHung = 3;

HangGuard::HangGuard(int rank, std::chrono::seconds limit)
    : rank_(rank), limit_(limit), thread_([this] { watch(); }) {}

HangGuard::~HangGuard() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void HangGuard::OnTestStart(const testing::TestInfo& info) {
  const std::scoped_lock lock(mutex_);
  running_ = std::string(info.test_suite_name()) + "." + info.name();
  deadline_ = std::chrono::steady_clock::now() + limit_;
  changed_.notify_all();
}

void HangGuard::OnTestEnd(const testing::TestInfo&) {
  const std::scoped_lock lock(mutex_);
  running_.clear();
  changed_.notify_all();
}

void HangGuard::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (running_.empty()) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, deadline_) == std::cv_status::timeout &&
               !running_.empty() && std::chrono::steady_clock::now() >= deadline_) {
      std::fprintf(stderr, "rank %d: test %s hangs for %lld s; the launcher ends the others\n",
                   rank_, running_.c_str(), static_cast<long long>(limit_.count()));
      std::_Exit(kHung);
    }
  }
}

}  // namespace dusk::test
