#include <mpi.h>
#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "comm/mpi/mpi_check.hpp"
#include "dusk/base/clock.hpp"
#include "launch/collective_bandwidth.hpp"
#include "launch/session.hpp"

namespace dusk::launch {
namespace {

struct CommBench {
  std::vector<std::string> operations;  ///< by name; none: all
  int rounds = 15;
  std::size_t least_kib = 1;
  std::size_t most_kib = 256 * 1024;
  std::size_t chunk_kib = MpiOptions{}.chunk.value / 1024;
  MpiOptions::Transport transport = MpiOptions::Transport::automatic;
  bool json = false;
};

/// Seconds of one collective, of the slowest rank, the median over the rounds.
struct Row {
  Collective operation = Collective::all_reduce;
  Bytes size;
  double ours = 0;
  double plain = 0;
};

void check(int code) {
  comm::check_mpi(code, [] { return std::string("dusk bench comm, plain MPI"); });
}

/// Buffers of one size: `whole` holds `ranks` times what `part` holds.
struct Buffers {
  Buffers(Bytes size, int ranks)
      : part(at::zeros({std::max<std::int64_t>(
                           static_cast<std::int64_t>(size.value / sizeof(float)) / ranks, 1)},
                       at::kFloat)),
        whole(at::zeros({part.numel() * ranks}, at::kFloat)) {}

  [[nodiscard]] Bytes size() const { return Bytes{whole.nbytes()}; }

  at::Tensor part;
  at::Tensor whole;
};

void run_ours(Collective operation, Communicator& comm, const Buffers& buffers) {
  switch (operation) {
    case Collective::all_reduce:
      return comm.all_reduce(buffers.whole, ReduceOp::sum, "bench").wait();
    case Collective::reduce_scatter:
      return comm.reduce_scatter(buffers.part, buffers.whole, ReduceOp::sum, "bench").wait();
    case Collective::all_gather:
      return comm.all_gather(buffers.whole, buffers.part, "bench").wait();
    case Collective::broadcast:
      return comm.broadcast(buffers.whole, 0, "bench").wait();
  }
}

void run_plain(Collective operation, const Buffers& buffers) {
  void* const whole = buffers.whole.data_ptr();
  void* const part = buffers.part.data_ptr();
  const int all = static_cast<int>(buffers.whole.numel());
  const int own = static_cast<int>(buffers.part.numel());
  switch (operation) {
    case Collective::all_reduce:
      return check(MPI_Allreduce(MPI_IN_PLACE, whole, all, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD));
    case Collective::reduce_scatter:
      return check(MPI_Reduce_scatter_block(whole, part, own, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD));
    case Collective::all_gather:
      return check(MPI_Allgather(part, own, MPI_FLOAT, whole, own, MPI_FLOAT, MPI_COMM_WORLD));
    case Collective::broadcast:
      return check(MPI_Bcast(whole, all, MPI_FLOAT, 0, MPI_COMM_WORLD));
  }
}

/// Seconds until this rank is done, all having started together.
double time_one(const std::function<void()>& collective) {
  check(MPI_Barrier(MPI_COMM_WORLD));
  const Stopwatch clock;
  collective();
  return clock.seconds();
}

double median_of_slowest(std::vector<double> times) {
  check(MPI_Allreduce(MPI_IN_PLACE, times.data(), static_cast<int>(times.size()), MPI_DOUBLE,
                      MPI_MAX, MPI_COMM_WORLD));
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

/// Both ways in turn, so that a disturbance of the machine hits both.
Row measure(Collective operation, Communicator& comm, Bytes size, int rounds) {
  const Buffers buffers(size, comm.size());
  const auto ours = [&] { run_ours(operation, comm, buffers); };
  const auto plain = [&] { run_plain(operation, buffers); };
  constexpr int kWarmUp = 2;
  for (int i = 0; i < kWarmUp; ++i) {
    ours();
    plain();
  }
  std::vector<double> our_times;
  std::vector<double> plain_times;
  for (int round = 0; round < rounds; ++round) {
    our_times.push_back(time_one(ours));
    plain_times.push_back(time_one(plain));
  }
  return {.operation = operation,
          .size = buffers.size(),
          .ours = median_of_slowest(std::move(our_times)),
          .plain = median_of_slowest(std::move(plain_times))};
}

nlohmann::json to_json(const Row& row, int ranks) {
  return {{"operation", to_string(row.operation)},
          {"bytes", row.size.value},
          {"ours_ms", row.ours * 1e3},
          {"plain_mpi_ms", row.plain * 1e3},
          {"ratio", row.plain / row.ours},
          {"algbw_gbs", algorithm_bandwidth(row.size, row.ours)},
          {"busbw_gbs", bus_bandwidth(row.operation, row.size, row.ours, ranks)},
          {"plain_algbw_gbs", algorithm_bandwidth(row.size, row.plain)},
          {"plain_busbw_gbs", bus_bandwidth(row.operation, row.size, row.plain, ranks)}};
}

void print_header() {
  std::cout << fmt::format("{:<15} {:>10} {:>10} {:>13} {:>7} {:>11} {:>11} {:>14}\n", "operation",
                           "size", "ours ms", "plain MPI ms", "ratio", "algbw GB/s", "busbw GB/s",
                           "plain busbw");
}

void print(const Row& row, int ranks) {
  std::cout << fmt::format(
      "{:<15} {:>10} {:>10.3f} {:>13.3f} {:>7.2f} {:>11.2f} {:>11.2f} {:>14.2f}\n",
      to_string(row.operation), to_string(row.size), row.ours * 1e3, row.plain * 1e3,
      row.plain / row.ours, algorithm_bandwidth(row.size, row.ours),
      bus_bandwidth(row.operation, row.size, row.ours, ranks),
      bus_bandwidth(row.operation, row.size, row.plain, ranks));
}

bool chosen(const CommBench& options, Collective operation) {
  return options.operations.empty() ||
         std::ranges::find(options.operations, to_string(operation)) != options.operations.end();
}

void bench(const CommBench& options, MpiRuntime& mpi, Log& log) {
  const auto comm = make_mpi_communicator(
      mpi, log, {.transport = options.transport, .chunk = Bytes{options.chunk_kib * 1024}});
  const bool first = comm->rank() == 0;
  if (first && !options.json) {
    std::cout << comm->size() << " ranks; ours: " << comm->description() << "; plain: one call of "
              << mpi.library() << "\n";
    print_header();
  }
  nlohmann::json rows = nlohmann::json::array();
  for (const Collective operation : kCollectives) {
    if (!chosen(options, operation)) continue;
    for (std::size_t kib = options.least_kib; kib <= options.most_kib; kib *= 4) {
      const Row row = measure(operation, *comm, Bytes{kib * 1024}, options.rounds);
      if (first && !options.json) print(row, comm->size());
      rows.push_back(to_json(row, comm->size()));
    }
  }
  if (!first || !options.json) return;
  const nlohmann::json result = {{"ranks", comm->size()},
                                 {"communicator", comm->description()},
                                 {"mpi", mpi.library()},
                                 {"rounds", options.rounds},
                                 {"rows", rows}};
  std::cout << result.dump() << std::endl;
}

}  // namespace

void add_bench_comm(CLI::App& bench_app, Program& program) {
  auto* command = bench_app.add_subcommand(
      "comm", "Times our collectives beside one plain call of MPI each; bandwidths as nccl-tests");
  auto options = std::make_shared<CommBench>();
  std::vector<std::string> names;
  for (const Collective operation : kCollectives) names.emplace_back(to_string(operation));
  command->add_option("--op", options->operations, "which, with commas between; default: all")
      ->check(CLI::IsMember(names))
      ->delimiter(',');
  command->add_option("--rounds", options->rounds, "measurements a size; the median counts")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--from-kib", options->least_kib, "smallest buffer")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--to-kib", options->most_kib, "largest buffer; each is 4 times the last")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command
      ->add_option("--chunk-kib", options->chunk_kib,
                   "what is exchanged at once, 0: chosen by the cores' cache")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  const std::map<std::string, MpiOptions::Transport> transports{
      {"automatic", MpiOptions::Transport::automatic},
      {"shared_memory", MpiOptions::Transport::shared_memory},
      {"messages", MpiOptions::Transport::messages}};
  command->add_option("--transport", options->transport, "automatic, shared_memory or messages")
      ->transform(CLI::CheckedTransformer(transports));
  command->add_flag("--json", options->json, "one JSON object on standard output");
  command->footer("Example:\n  launch/local.sh -n 2 -- bench comm --op all-reduce --to-kib 65536");
  command->callback([options, &program] {
    run_on_ranks(program, [&](MpiRuntime& mpi, Log& log) { bench(*options, mpi, log); });
  });
}

}  // namespace dusk::launch
