#include <mpi.h>
#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "comm/mpi/mpi_check.hpp"
#include "dusk/base/clock.hpp"
#include "dusk/comm/collectives.hpp"
#include "launch/session.hpp"

namespace dusk::launch {
namespace {

struct CommBench {
  int rounds = 15;
  std::size_t least_kib = 4;
  std::size_t most_kib = 256 * 1024;
  std::size_t chunk_kib = MpiOptions{}.chunk.value / 1024;
  MpiOptions::Transport transport = MpiOptions::Transport::automatic;
  bool json = false;
};

/// Seconds of one all-reduce, of the slowest rank, the median over the rounds.
struct Row {
  Bytes size;
  double ours = 0;
  double plain = 0;
};

void check(int code) {
  comm::check_mpi(code, [] { return std::string("dusk bench comm, plain MPI"); });
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Both ways in turn, so that a disturbance of the machine hits both.
Row measure(Communicator& comm, Bytes size, int rounds) {
  const auto count = static_cast<std::int64_t>(size.value / sizeof(float));
  at::Tensor buffer = at::zeros({count}, at::kFloat);
  constexpr int kWarmUp = 2;
  std::vector<double> ours;
  std::vector<double> plain;
  for (int round = 0; round < rounds + kWarmUp; ++round) {
    check(MPI_Barrier(MPI_COMM_WORLD));
    Stopwatch clock;
    comm.all_reduce(buffer, ReduceOp::sum, "bench").wait();
    ours.push_back(clock.seconds());

    check(MPI_Barrier(MPI_COMM_WORLD));
    clock.restart();
    check(MPI_Allreduce(MPI_IN_PLACE, buffer.data_ptr(), static_cast<int>(count), MPI_FLOAT,
                        MPI_SUM, MPI_COMM_WORLD));
    plain.push_back(clock.seconds());
  }
  for (auto* times : {&ours, &plain}) {
    times->erase(times->begin(), times->begin() + kWarmUp);
    check(MPI_Allreduce(MPI_IN_PLACE, times->data(), static_cast<int>(times->size()), MPI_DOUBLE,
                        MPI_MAX, MPI_COMM_WORLD));
  }
  return {.size = size, .ours = median(ours), .plain = median(plain)};
}

/// Bandwidths as nccl-tests define them, in GB/s: size / time, and that times 2 (n - 1) / n, which
/// compares with the links' own whatever the number of ranks.
double algorithm_bandwidth(Bytes size, double seconds) {
  return static_cast<double>(size.value) / seconds / 1e9;
}
double bus_bandwidth(Bytes size, double seconds, int ranks) {
  return algorithm_bandwidth(size, seconds) * 2 * (ranks - 1) / ranks;
}

nlohmann::json to_json(const Row& row, int ranks) {
  return {{"bytes", row.size.value},
          {"ours_ms", row.ours * 1e3},
          {"plain_mpi_ms", row.plain * 1e3},
          {"ratio", row.plain / row.ours},
          {"algbw_gbs", algorithm_bandwidth(row.size, row.ours)},
          {"busbw_gbs", bus_bandwidth(row.size, row.ours, ranks)}};
}

void print(const std::vector<Row>& rows, int ranks) {
  std::cout << fmt::format("{:>12} {:>10} {:>14} {:>7} {:>11} {:>11}\n", "all-reduce", "ours ms",
                           "plain MPI ms", "ratio", "algbw GB/s", "busbw GB/s");
  for (const Row& row : rows) {
    std::cout << fmt::format("{:>12} {:>10.3f} {:>14.3f} {:>7.2f} {:>11.2f} {:>11.2f}\n",
                             to_string(row.size), row.ours * 1e3, row.plain * 1e3,
                             row.plain / row.ours, algorithm_bandwidth(row.size, row.ours),
                             bus_bandwidth(row.size, row.ours, ranks));
  }
}

void bench(const CommBench& options, MpiRuntime& mpi, Log& log) {
  const auto comm = make_mpi_communicator(
      mpi, log, {.transport = options.transport, .chunk = Bytes{options.chunk_kib * 1024}});
  std::vector<Row> rows;
  for (std::size_t kib = options.least_kib; kib <= options.most_kib; kib *= 4) {
    rows.push_back(measure(*comm, Bytes{kib * 1024}, options.rounds));
  }
  if (comm->rank() != 0) return;
  if (!options.json) {
    std::cout << comm->size() << " ranks; ours: " << comm->description()
              << "; plain: one MPI_Allreduce, " << mpi.library() << "\n";
    return print(rows, comm->size());
  }
  nlohmann::json result = {{"ranks", comm->size()},
                           {"communicator", comm->description()},
                           {"mpi", mpi.library()},
                           {"rounds", options.rounds},
                           {"rows", nlohmann::json::array()}};
  for (const Row& row : rows) result["rows"].push_back(to_json(row, comm->size()));
  std::cout << result.dump() << std::endl;
}

}  // namespace

void add_bench_comm(CLI::App& bench_app, Program& program) {
  auto* command = bench_app.add_subcommand(
      "comm", "Times all-reduces of our communicator beside one plain MPI_Allreduce each");
  auto options = std::make_shared<CommBench>();
  command->add_option("--rounds", options->rounds, "measurements a size; the median counts")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_option("--from-kib", options->least_kib, "smallest buffer")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--to-kib", options->most_kib, "largest buffer; each is 4 times the last")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--chunk-kib", options->chunk_kib, "what is exchanged at once")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  const std::map<std::string, MpiOptions::Transport> transports{
      {"automatic", MpiOptions::Transport::automatic},
      {"shared_memory", MpiOptions::Transport::shared_memory},
      {"messages", MpiOptions::Transport::messages}};
  command->add_option("--transport", options->transport, "automatic, shared_memory or messages")
      ->transform(CLI::CheckedTransformer(transports));
  command->add_flag("--json", options->json, "one JSON object on standard output");
  command->footer("Example:\n  launch/local.sh -n 2 -- bench comm --to-kib 65536");
  command->callback([options, &program] {
    run_on_ranks(program, [&](MpiRuntime& mpi, Log& log) { bench(*options, mpi, log); });
  });
}

}  // namespace dusk::launch
