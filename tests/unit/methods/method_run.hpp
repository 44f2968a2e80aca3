#pragma once

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dusk/comm/in_process.hpp"
#include "dusk/methods/methods.hpp"
#include "dusk/train/step_context.hpp"
#include "support/quiet_run.hpp"

/// Methods on ranks that are threads, without files or loaders.
namespace dusk::test {

/// A copy of every tensor of a state, as "group/name".
class TensorMap : public StateVisitor {
 public:
  void tensors(std::string_view group, const std::vector<NamedTensor>& tensors) override {
    for (const NamedTensor& entry : tensors) {
      values[std::string(group) + "/" + entry.name] = entry.tensor.detach().clone();
    }
  }
  void integer(std::string_view /*name*/, std::int64_t& /*value*/) override {}
  void real(std::string_view /*name*/, double& /*value*/) override {}

  std::map<std::string, at::Tensor> values;
};

inline std::map<std::string, at::Tensor> tensors_of(Method& method) {
  TensorMap map;
  method.visit(map);
  return map.values;
}

/// One rank's part of a run.
struct MethodRun {
  Method& method;
  TrainState& state;
  StepContext& context;
  Communicator& communicator;

  [[nodiscard]] bool is_first() const { return communicator.rank() == 0; }

  /// This rank's rows of a global batch, position included.
  [[nodiscard]] StreamBatch share(const StreamBatch& global) const {
    const std::int64_t rows = global.images.size(0) / communicator.size();
    const auto part = [&](const at::Tensor& all) {
      return all.defined() ? all.narrow(0, communicator.rank() * rows, rows).contiguous() : all;
    };
    StreamBatch own;
    own.images = part(global.images);
    own.labels = part(global.labels);
    for (const auto& [name, picture] : global.pictures) own.pictures[name] = part(picture);
    own.first_position = global.first_position;
    return own;
  }
};

/// Makes the configured method on each of `ranks` threads and calls `body` there.
inline void run_method(int ranks, const RunConfig& config,
                       const std::function<void(MethodRun&)>& body,
                       const char* labels = "camvid11") {
  run_in_process(ranks, [&](Communicator& communicator) {
    const at::AutoGradMode grad(true);
    at::set_num_threads(1);
    const auto layers = communicator.split(0, communicator.rank());
    const QuietRun run(config, communicator, *layers);
    const auto method = make_method(
        {run.context, label_space(labels), Horizon{.steps = 10}, /*load_weights=*/true});
    TrainState state;
    StepContext context(communicator, run.device, Precision::fp32, state, {.in_a_row = 2});
    method->set_training(true);
    MethodRun own{*method, state, context, communicator};
    body(own);
  });
}

/// State of rank 0 around one step.
struct StepResult {
  std::map<std::string, at::Tensor> before, after;
  std::map<std::string, double> losses;
  TrainState state;
};

/// One step on `ranks` ranks that share the streams' global batches. `prepare` may change the
/// method before, on every rank alike.
inline StepResult one_step(
    int ranks, const RunConfig& config, const std::map<std::string, StreamBatch>& global,
    const std::function<void(Method&)>& prepare = [](Method&) {}) {
  StepResult result;
  run_method(ranks, config, [&](MethodRun& run) {
    prepare(run.method);
    auto before = tensors_of(run.method);
    Batch batch;
    for (const auto& [name, stream] : global) batch.streams[name] = run.share(stream);
    run.method.step(batch, run.context);
    auto losses = run.context.take_records();
    auto after = tensors_of(run.method);
    if (run.is_first()) result = {std::move(before), std::move(after), losses, run.state};
  });
  return result;
}

}  // namespace dusk::test
