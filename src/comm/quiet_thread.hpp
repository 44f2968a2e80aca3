#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

#include "comm/host_stacks.hpp"

namespace dusk::comm {

/// Starts a thread that receives no signals, which belong to the main thread, but the one that asks
/// for its stack. `name`: at most 15 characters.
template <class Body>
std::thread start_quiet_thread(const char* name, Body body) {
  sigset_t quiet;
  sigset_t before;
  ::sigfillset(&quiet);
  ::sigdelset(&quiet, stack_signal());
  ::pthread_sigmask(SIG_SETMASK, &quiet, &before);
  std::thread thread(std::move(body));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace dusk::comm
