#include "launch/shared_work.hpp"

#include <algorithm>

#include "dusk/base/progress.hpp"
#include "dusk/comm/work_queue.hpp"

namespace dusk::launch {

void share_work(const SharedWork& shared, MpiRuntime& mpi, const Program& program,
                const std::function<void(std::uint64_t, std::uint64_t)>& work) {
  const std::uint64_t parts = (shared.count + shared.at_a_time - 1) / shared.at_a_time;
  const auto queue = make_mpi_work_queue(mpi, static_cast<std::int64_t>(parts));
  ProgressLine line(shared.what, shared.unit, shared.count,
                    {.interactive = program.environment.interactive,
                     .quiet = program.quiet || mpi.launch().rank != 0});
  std::uint64_t before = 0;
  while (const auto part = queue->next()) {
    const std::uint64_t begin = static_cast<std::uint64_t>(*part) * shared.at_a_time;
    const std::uint64_t end = std::min(begin + shared.at_a_time, shared.count);
    work(begin, end);
    line.add(end - before);
    before = end;
  }
}

}  // namespace dusk::launch
