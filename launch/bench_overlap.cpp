#include <mpi.h>
#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "comm/mpi/mpi_check.hpp"
#include "dusk/base/clock.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/ddp/gradient_bucketer.hpp"
#include "dusk/device/device.hpp"
#include "launch/session.hpp"

namespace dusk::launch {
namespace {

struct OverlapBench {
  int rounds = 7;
  int layers = 12;
  int width = 2048;
  int batch = 64;
  int threads = 1;
  bool json = false;
};

/// A chain of square matrices: 12 of 2048 x 2048 are 50 M parameters.
class Chain {
 public:
  Chain(int layers, int width, int batch) : input_(torch::ones({batch, width})) {
    for (int i = 0; i < layers; ++i) {
      at::Tensor weight = torch::randn({width, width}) / std::sqrt(static_cast<double>(width));
      parameters_.push_back({fmt::format("layer{}", i), weight.requires_grad_()});
    }
  }
  [[nodiscard]] const std::vector<NamedParameter>& parameters() const { return parameters_; }
  [[nodiscard]] at::Tensor loss() const {
    at::Tensor x = input_;
    for (const NamedParameter& layer : parameters_) x = x.matmul(layer.tensor);
    return x.square().mean();
  }

 private:
  at::Tensor input_;
  std::vector<NamedParameter> parameters_;
};

/// Seconds, of the slowest rank in each round, the median over rounds.
struct OverlapTimes {
  double backward = 0;  ///< alone
  double plain = 0;     ///< one MPI_Allreduce of all gradients, alone
  double exchange = 0;  ///< ours, bucket after bucket, alone
  double together = 0;  ///< backward with the exchange inside, until the gradients can be read
};

void check(int code) {
  comm::check_mpi(code, [] { return std::string("dusk bench overlap, plain MPI"); });
}

OverlapTimes measure(Communicator& comm, const OverlapBench& options) {
  const Chain chain(options.layers, options.width, options.batch);
  GradientBucketer bucketer(chain.parameters(), comm);
  std::int64_t elements = 0;
  for (std::size_t i = 0; i < bucketer.bucket_count(); ++i) elements += bucketer.bucket(i).numel();
  if (elements > std::numeric_limits<int>::max()) {
    fail<ConfigError>("{} gradients: a plain MPI_Allreduce takes at most {}", elements,
                      std::numeric_limits<int>::max());
  }
  at::Tensor flat = torch::ones({elements});

  std::array<std::vector<double>, 4> times;
  const auto timed = [&](std::size_t what, const std::function<void()>& body) {
    wait_for_all(comm, "start together");
    const Stopwatch clock;
    body();
    times[what].push_back(max(comm, clock.seconds(), "slowest rank"));
  };
  for (int round = -1; round < options.rounds; ++round) {
    const at::Tensor alone = chain.loss();
    timed(0, [&] { alone.backward(); });
    timed(1, [&] {
      check(MPI_Allreduce(MPI_IN_PLACE, flat.data_ptr(), static_cast<int>(flat.numel()), MPI_FLOAT,
                          MPI_SUM, MPI_COMM_WORLD));
    });
    timed(2, [&] {
      std::vector<Work> works;
      for (std::size_t i = 0; i < bucketer.bucket_count(); ++i) {
        works.push_back(comm.all_reduce(bucketer.bucket(i), ReduceOp::sum, "bucket"));
      }
      for (Work& work : works) work.wait();
    });
    bucketer.zero();
    const at::Tensor last = chain.loss();
    bucketer.arm();
    timed(3, [&] {
      last.backward();
      bucketer.finish();
    });
    if (round < 0) times = {};  // the first touches the memory
  }
  const auto median = [&](std::size_t what) {
    std::ranges::sort(times[what]);
    return times[what][times[what].size() / 2];
  };
  return {.backward = median(0), .plain = median(1), .exchange = median(2), .together = median(3)};
}

void bench(const OverlapBench& options, MpiRuntime& mpi, Log& log) {
  set_cpu_threads(options.threads);
  const auto comm = make_mpi_communicator(mpi, log);
  const OverlapTimes times = measure(*comm, options);
  if (comm->rank() != 0) return;
  const double parameters = static_cast<double>(options.layers) * options.width * options.width;
  const double hidden = 1 - (times.together - times.backward) / times.exchange;
  const nlohmann::json json = {{"ranks", comm->size()},
                               {"threads", options.threads},
                               {"parameters", parameters},
                               {"communicator", comm->description()},
                               {"rounds", options.rounds},
                               {"backward_ms", times.backward * 1e3},
                               {"plain_mpi_ms", times.plain * 1e3},
                               {"exchange_ms", times.exchange * 1e3},
                               {"together_ms", times.together * 1e3},
                               {"ratio", times.together / (times.backward + times.plain)},
                               {"hidden_share", hidden}};
  if (options.json) {
    std::cout << json.dump() << std::endl;
    return;
  }
  std::cout << fmt::format(
      "{:.1f} M parameters, {} ranks x {} thread(s): backward {:.1f} ms, MPI_Allreduce {:.1f} ms, "
      "our exchange {:.1f} ms, backward with the exchange inside {:.1f} ms: {:.2f} of the first "
      "two, {:.0f} % of our exchange hidden\n",
      parameters / 1e6, comm->size(), options.threads, times.backward * 1e3, times.plain * 1e3,
      times.exchange * 1e3, times.together * 1e3, times.together / (times.backward + times.plain),
      100 * hidden);
}

}  // namespace

void add_bench_overlap(CLI::App& bench_app, Program& program) {
  auto* command = bench_app.add_subcommand(
      "overlap", "Times backward, the exchange of its gradients, and both at once");
  auto options = std::make_shared<OverlapBench>();
  command->add_option("--rounds", options->rounds, "the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--layers", options->layers)
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--width", options->width, "of the square layers")
      ->check(CLI::Range(1, 16'384))
      ->capture_default_str();
  command->add_option("--batch", options->batch, "samples a rank: how long a backward takes")
      ->check(CLI::Range(1, 65'536))
      ->capture_default_str();
  command->add_option("--threads", options->threads, "CPU threads of a rank")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_flag("--json", options->json, "one JSON object on standard output");
  command->footer("Example:\n  launch/local.sh -n 2 -- bench overlap");
  command->callback([options, &program] {
    run_on_ranks(program, [&](MpiRuntime& mpi, Log& log) { bench(*options, mpi, log); });
  });
}

}  // namespace dusk::launch
