#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace dusk {

/// Gets the numbers of a run. Sinks observe; they never change what a run does. Only rank 0 has
/// any.
class MetricSink {
 public:
  virtual ~MetricSink() = default;
  /// `step` counts finished updates: the first step of a run reports as 1.
  virtual void metric(std::int64_t step, std::string_view name, double value) = 0;
};

/// What a view of a running training shows; sent every `log_every` steps.
struct Progress {
  std::int64_t step = 0;
  std::int64_t steps = 0;  ///< of the whole run
  double loss = 0;         ///< mean over the global batches since the last report
  double learning_rate = 0;
  double images_per_second = 0;  ///< of all ranks together
  double seconds_left = 0;
  double waiting_for_data = 0;      ///< share of the time, 0..1
  double waiting_for_exchange = 0;  ///< share of the time, 0..1
};

/// A view of progress for people (the console line is one).
class ProgressView {
 public:
  virtual ~ProgressView() = default;
  virtual void show(const Progress& progress) = 0;
  /// Leaves the terminal clean for ordinary messages.
  virtual void finish() = 0;
};

/// Gets the sheets of samples of a run whose method makes some. Observes, as a `MetricSink` does.
class SheetSink {
 public:
  virtual ~SheetSink() = default;
  /// `pictures` and `caption`: as `SampleSheets` gives them.
  virtual void sheet(std::int64_t step, const at::Tensor& pictures, std::string_view caption) = 0;
};

/// `metrics.jsonl`, the truth of a run: one line {"step":12,"name":"loss","value":1.25} a number.
/// Opening it for a run that resumes at `first_step` drops what a killed run had written beyond
/// that step.
class JsonlSink : public MetricSink {
 public:
  JsonlSink(std::filesystem::path path, std::int64_t first_step);
  void metric(std::int64_t step, std::string_view name, double value) override;

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace dusk
