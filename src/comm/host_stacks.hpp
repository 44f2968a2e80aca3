#pragma once

#include <vector>

#include "dusk/comm/flight_report.hpp"

namespace dusk::comm {

/// The signal by which a thread is asked to write down its stack.
[[nodiscard]] int stack_signal() noexcept;

/// Gets ready to answer it; again is no harm. The handler stays: it answers this process only.
void answer_stack_signal();

/// Where every other thread of this process is at this moment. A thread that does not answer within
/// a second (it blocks the signal, or sits in the kernel) shows what the kernel says of it.
[[nodiscard]] std::vector<ThreadReport> host_stacks();

}  // namespace dusk::comm
