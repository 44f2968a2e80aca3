#pragma once

#include "dusk/train/run_context.hpp"

namespace dusk::test {

/// What a method gets of its run, on the CPU, without files and without a word on the console.
/// `config` and the communicators outlive it.
struct QuietRun {
  QuietRun(const RunConfig& config, Communicator& communicator, Communicator& layers)
      : context{.config = config,
                .directory = {},
                .device = device,
                .communicator = communicator,
                .control = communicator,
                .layers = layers,
                .log = log,
                .sinks = {}} {}
  QuietRun(const QuietRun&) = delete;
  QuietRun& operator=(const QuietRun&) = delete;
  ~QuietRun() = default;

  Log log{LogOptions{.console = LogLevel::off, .file = {}, .prefix = {}}};
  Device device = Device::cpu();
  RunContext context;
};

}  // namespace dusk::test
