#include "dusk/train/stop_request.hpp"

#include <torch/types.h>

#include <array>
#include <csignal>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

// The one mutable global: a signal handler has no other way to leave a word.
volatile std::sig_atomic_t asked_to_stop = 0;

void note_request(int /*signal*/) {
  asked_to_stop = 1;
}

constexpr std::array kSignals = {SIGTERM, SIGINT, SIGUSR2};
std::array<struct sigaction, kSignals.size()> previous_actions;

}  // namespace

StopRequest::StopRequest() {
  asked_to_stop = 0;
  struct sigaction action {};
  action.sa_handler = &note_request;
  action.sa_flags = SA_RESTART;  // a read or write in progress goes on
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (::sigaction(kSignals[i], &action, &previous_actions[i]) != 0) {
      fail<InternalError>("cannot install the handler of signal {}", kSignals[i]);
    }
  }
}

StopRequest::~StopRequest() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &previous_actions[i], nullptr);
  }
}

bool StopRequest::pending() const noexcept {
  return asked_to_stop != 0;
}

StopAgreement::StopAgreement(Communicator& communicator)
    : communicator_(communicator), flag_(torch::zeros({1}, torch::kInt64)) {}

bool StopAgreement::exchange(bool asked_here) {
  bool agreed = false;
  if (posted_) {
    posted_->wait();
    agreed = flag_.item<std::int64_t>() != 0;
  }
  flag_.fill_(asked_here ? 1 : 0);
  posted_ = communicator_.all_reduce(flag_, ReduceOp::max, "stop flag");
  return agreed;
}

void StopAgreement::finish() {
  if (posted_) posted_->wait();
  posted_.reset();
}

}  // namespace dusk
