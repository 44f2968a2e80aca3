#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dusk/base/clock.hpp"
#include "dusk/device/device.hpp"
#include "dusk/device/host_memory.hpp"
#include "dusk/nn/draws.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/nn/layer_table.hpp"
#include "dusk/nn/memory_format.hpp"
#include "dusk/nn/named_state.hpp"
#include "dusk/nn/weights.hpp"
#include "launch/bench_networks.hpp"
#include "launch/commands.hpp"

namespace dusk::launch {
namespace {

using Tensors = BenchNetwork::Tensors;

struct BenchModelArguments {
  std::string model;
  BenchForm form;
  std::int64_t rounds = 5;
  std::int64_t warmup = 1;
  int threads = 0;
  std::string device = "cpu";
  bool channels_last = true;
  bool count = true;
  std::filesystem::path weights;
  std::filesystem::path parity;
  bool json = false;
};

/// A network where it is measured.
struct Prepared {
  BenchNetwork network;
  at::MemoryFormat format;
};

Prepared prepare(const NamedNetwork& named, const BenchModelArguments& arguments,
                 const Device& device) {
  Prepared prepared{.network = named.make(arguments.form),
                    .format = arguments.channels_last ? at::MemoryFormat::ChannelsLast
                                                      : at::MemoryFormat::Contiguous};
  torch::nn::Module& module = *prepared.network.module;
  stop_draws(module);
  if (!arguments.weights.empty()) {
    load_weights(module, *read_weights(arguments.weights),
                 {.allowed_extra = {"fc.*", "classifier.*", "AuxLogits.*", "features.18.*"}});
  }
  if (arguments.channels_last) to_channels_last(module);
  module.to(device.torch());
  for (at::Tensor& input : prepared.network.inputs) {
    input = device.upload(input.contiguous(prepared.format));
  }
  return prepared;
}

/// Median over the rounds, in ms.
double median_ms(const BenchModelArguments& arguments, const Device& device,
                 const std::function<void()>& run) {
  std::vector<double> times;
  for (std::int64_t i = 0; i < arguments.warmup + arguments.rounds; ++i) {
    const Stopwatch clock;
    run();
    device.synchronize();
    if (i >= arguments.warmup) times.push_back(1000 * clock.seconds());
  }
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
  return times[times.size() / 2];
}

struct Cost {
  double forward_ms = 0;  ///< in eval mode without gradients
  double step_ms = 0;     ///< forward and backward in train mode
  Bytes forward_peak, step_peak;
};

Cost measure(const Prepared& prepared, const BenchModelArguments& arguments, const Device& device) {
  const BenchNetwork& network = prepared.network;
  Cost cost;
  device.reset_peak_memory();
  {
    const at::NoGradGuard no_grad;
    network.module->eval();
    cost.forward_ms = median_ms(arguments, device, [&] { network.forward(network.inputs); });
  }
  cost.forward_peak = device.memory().peak;
  network.module->train();
  device.reset_peak_memory();
  Tensors directions;
  cost.step_ms = median_ms(arguments, device, [&] {
    network.module->zero_grad();
    const Tensors outputs = network.forward(network.inputs);
    if (directions.empty()) {
      for (const at::Tensor& output : outputs) directions.push_back(at::randn_like(output));
    }
    torch::autograd::backward(outputs, directions);
  });
  cost.step_peak = device.memory().peak;
  return cost;
}

/// Of one forward pass of the whole batch.
std::int64_t multiply_adds(const NamedNetwork& named, BenchForm form) {
  form.seed = kNoInitialValues;
  const BenchNetwork network = named.make(form);
  std::int64_t total = 0;
  for (const LayerRow& row :
       layer_table(*network.module, [&] { network.forward(network.inputs); })) {
    total += row.multiply_adds;
  }
  return total;
}

nlohmann::json bench(const NamedNetwork& named, const BenchModelArguments& arguments,
                     const Device& device) {
  nlohmann::json json = {{"model", named.name},
                         {"batch", arguments.form.shape.batch},
                         {"height", arguments.form.shape.height},
                         {"width", arguments.form.shape.width},
                         {"threads", cpu_threads()},
                         {"device", device.name()}};
  if (arguments.count) json["multiply_adds"] = multiply_adds(named, arguments.form);
  const Prepared prepared = prepare(named, arguments, device);
  const Cost cost = measure(prepared, arguments, device);
  json["parameters"] = parameter_count(*prepared.network.module);
  json["channels_last"] = prepared.format == at::MemoryFormat::ChannelsLast;
  json["forward_ms"] = cost.forward_ms;
  json["step_ms"] = cost.step_ms;
  json["forward_peak_bytes"] = cost.forward_peak.value;
  json["peak_memory_bytes"] = cost.step_peak.value;
  return json;
}

/// The largest difference between two tensors, relative to the largest value of the second.
/// `DataError` for other shapes than expected.
nlohmann::json difference(const std::string& name, const at::Tensor& ours,
                          const TensorFile& expected) {
  const TensorRecord* record = expected.find(name);
  if (record == nullptr) fail<DataError>("{} has no '{}'", expected.path().string(), name);
  const at::Tensor theirs = to_tensor(*record).to(at::kDouble);
  if (ours.sizes() != theirs.sizes()) {
    fail<DataError>("{}: '{}' has another shape than ours", expected.path().string(), name);
  }
  const double error = (ours.detach().to(at::kDouble) - theirs).abs().max().item<double>();
  const double scale = theirs.abs().max().item<double>();
  return {{"name", name}, {"error", error}, {"scale", scale}, {"relative", error / scale}};
}

/// Runs the case that a peer has written: `input.I`, the gradients `direction.I` of its outputs,
/// and what came out there, `output.I` and `input_gradient.I`. In eval mode.
nlohmann::json compare(const NamedNetwork& named, const BenchModelArguments& arguments) {
  const auto expected = read_weights(arguments.parity);
  const auto tensor = [&](const std::string& name) {
    const TensorRecord* record = expected->find(name);
    return record == nullptr ? at::Tensor() : to_tensor(*record);
  };
  const Prepared prepared = prepare(named, arguments, Device::cpu());
  prepared.network.module->eval();
  Tensors inputs, directions;
  for (std::size_t i = 0; i < prepared.network.inputs.size(); ++i) {
    at::Tensor input = tensor(fmt::format("input.{}", i));
    if (!input.defined()) fail<DataError>("{} has no input.{}", arguments.parity.string(), i);
    inputs.push_back(input.contiguous(prepared.format).requires_grad_(true));
  }
  prepared.network.module->to(inputs.front().scalar_type());
  const Tensors outputs = prepared.network.forward(inputs);
  nlohmann::json differences = nlohmann::json::array();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    differences.push_back(difference(fmt::format("output.{}", i), outputs[i], *expected));
    directions.push_back(tensor(fmt::format("direction.{}", i)));
  }
  torch::autograd::backward(outputs, directions);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    differences.push_back(
        difference(fmt::format("input_gradient.{}", i), inputs[i].grad(), *expected));
  }
  return {{"model", named.name}, {"differences", differences}};
}

void print(const nlohmann::json& json) {
  if (json.contains("differences")) {
    for (const nlohmann::json& row : json["differences"]) {
      std::cout << fmt::format("{}: {}: {:.3g} of {:.3g}\n", json["model"].get<std::string>(),
                               row["name"].get<std::string>(), row["error"].get<double>(),
                               row["scale"].get<double>());
    }
    return;
  }
  const auto counted = json.value("multiply_adds", 0.0);
  std::cout << fmt::format("{:<27} {:>11.1f} {:>13.1f} {:>12} {:>12} {:>10.2f}\n",
                           json["model"].get<std::string>(), json["forward_ms"].get<double>(),
                           json["step_ms"].get<double>(),
                           to_string(Bytes{json["peak_memory_bytes"].get<std::size_t>()}),
                           json["parameters"].get<std::int64_t>(), counted / 1e9);
}

std::vector<NamedNetwork> chosen(const std::string& name) {
  std::vector<NamedNetwork> networks;
  std::string names = "all";
  for (const NamedNetwork& network : bench_networks()) {
    if (name == "all" || name == network.name) networks.push_back(network);
    names += fmt::format(", {}", network.name);
  }
  if (networks.empty()) fail<ConfigError>("no network '{}'; there are: {}", name, names);
  return networks;
}

void bench_models(const BenchModelArguments& arguments) {
  const auto networks = chosen(arguments.model);
  if (networks.size() > 1 && (!arguments.weights.empty() || !arguments.parity.empty())) {
    fail<ConfigError>("--weights and --parity are of one network: name it");
  }
  if (arguments.threads > 0) set_cpu_threads(arguments.threads);
  keep_freed_memory();  // as a training does
  const Device device = Device::choose(arguments.device, /*local_rank=*/0);
  if (!arguments.json && arguments.parity.empty()) {
    std::cout << fmt::format("{:<27} {:>11} {:>13} {:>12} {:>12} {:>10}\n", "network", "forward ms",
                             "fwd+bwd ms", "peak memory", "parameters", "G mult-adds");
  }
  for (const NamedNetwork& network : networks) {
    torch::manual_seed(0);
    const nlohmann::json json =
        arguments.parity.empty() ? bench(network, arguments, device) : compare(network, arguments);
    if (arguments.json) {
      std::cout << json.dump() << std::endl;
    } else {
      print(json);
    }
  }
}

}  // namespace

void add_bench_model(CLI::App& bench_app, Program& /*program*/) {
  auto* command = bench_app.add_subcommand(
      "model", "Times forward and backward passes of the networks, and their memory");
  auto arguments = std::make_shared<BenchModelArguments>();
  PictureShape& shape = arguments->form.shape;
  command->add_option("model", arguments->model, "name of a network, or all")->required();
  command->add_option("--batch", shape.batch, "pictures at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--height", shape.height, "of the pictures")
      ->check(CLI::Range(64, 16384))
      ->capture_default_str();
  command->add_option("--width", shape.width, "of the pictures")
      ->check(CLI::Range(64, 16384))
      ->capture_default_str();
  command->add_option("--rounds", arguments->rounds, "passes of the median")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--warmup", arguments->warmup, "passes before")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--threads", arguments->threads, "CPU threads, 0: as torch chooses")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--device", arguments->device, "cpu, cuda or cuda:N")->capture_default_str();
  command->add_option("--channels-last", arguments->channels_last, "memory layout NHWC, 0 or 1")
      ->capture_default_str();
  command
      ->add_option("--recompute-stages", arguments->form.recompute_stages,
                   "stages of a mix transformer that keep no activations")
      ->check(CLI::Range(0, 4))
      ->capture_default_str();
  command->add_flag("--count,!--no-count", arguments->count, "count multiply-adds (on the CPU)");
  command->add_option("--weights", arguments->weights, "file of the whole network's weights");
  command->add_option("--parity", arguments->parity,
                      "file of a peer's inputs, outputs and gradients: compares instead of timing");
  command->add_flag("--json", arguments->json, "one JSON object a line on standard output");
  command->footer(
      "Forward passes are in eval mode without gradients, forward and backward in train mode with\n"
      "float32. Peak memory is that of forward and backward; on a CPU of the whole process.\n"
      "Example:\n  dusk bench model resnet101 --height 512 --width 512");
  command->callback([arguments] { bench_models(*arguments); });
}

}  // namespace dusk::launch
