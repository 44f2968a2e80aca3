#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "dusk/base/range.hpp"
#include "dusk/comm/watchdog.hpp"
#include "dusk/data/batch_pipeline.hpp"
#include "dusk/data/eval_loader.hpp"
#include "dusk/ddp/gradient_bucketer.hpp"
#include "dusk/loss/confusion_matrix.hpp"
#include "dusk/loss/loss_options.hpp"
#include "dusk/nn/cyclegan.hpp"
#include "dusk/nn/segmenter.hpp"
#include "dusk/nn/sliding_window.hpp"
#include "dusk/nn/unit_translator.hpp"
#include "dusk/optim/optimizer.hpp"
#include "dusk/train/dsrnss_options.hpp"
#include "dusk/train/precision.hpp"
#include "dusk/train/translator_options.hpp"

namespace dusk {

/// Rows and columns to which every picture is resized for the network, 0 and 0: none.
struct SqueezeOptions {
  std::int64_t height = 0;
  std::int64_t width = 0;

  [[nodiscard]] bool enabled() const { return height > 0 && width > 0; }
};

template <class Visitor>
void describe(Visitor& v, SqueezeOptions& o) {
  v.field("height", o.height, "rows, 0: no squeezing", non_negative);
  v.field("width", o.width, "columns, 0: no squeezing", non_negative);
  v.check((o.height > 0) == (o.width > 0), "width", "must be set where height is, and only there");
}

/// A labelled set that a run is scored on.
struct EvalSetOptions {
  std::filesystem::path shards;
  SampleFilter filter;
  SqueezeOptions squeeze;
  bool final_only = false;
  int pictures = 4;
};

template <class Visitor>
void describe(Visitor& v, EvalSetOptions& o) {
  v.field("shards", o.shards, "folder of a published set of shards");
  v.section("filter", o.filter, "which samples of the set");
  v.section("squeeze", o.squeeze,
            "the network sees pictures of this size whatever their shape, instead of by "
            "evaluation.scale; labels keep their size");
  v.field("final_only", o.final_only, "score it after the last step only (test sets)");
  v.field("pictures", o.pictures, "samples that the report shows", non_negative);
}

/// How labelled sets are scored and pictures predicted.
struct EvaluationOptions {
  EvalOptions pictures;
  double scale = 1;
  AbsentClasses absent_classes = AbsentClasses::left_out;
  SlidingWindowOptions sliding;
};

template <class Visitor>
void describe(Visitor& v, EvaluationOptions& o) {
  describe(v, o.pictures);
  v.field("scale", o.scale,
          "factor by which pictures are resized for the network (bilinear with antialiasing); "
          "labels keep their size",
          positive);
  v.field("absent_classes", o.absent_classes,
          "a class that occurs neither in a set's labels nor in the predictions: left_out of the "
          "mean IoU, or zero there");
  v.section("sliding", o.sliding, "overlapping windows of a picture instead of the whole");
}

struct TrainOptions {
  std::int64_t steps = 1000;
  std::int64_t log_every = 20;
  std::int64_t evaluate_every = 0;
  std::int64_t checkpoint_every = 100;
  std::int64_t compare_ranks_every = 100;
  std::int64_t skip_limit = 10;
  int keep_checkpoints = 2;
  Precision precision = Precision::fp32;
  GradientCompression gradient_compression = GradientCompression::none;
  std::string device = "auto";
  int cpu_threads = 0;
};

template <class Visitor>
void describe(Visitor& v, TrainOptions& o) {
  v.field("steps", o.steps, "optimizer updates of the whole run", at_least(1));
  v.field("log_every", o.log_every, "steps between two reports of loss and speed", at_least(1));
  v.field("evaluate_every", o.evaluate_every, "steps between two validations, 0: only at the end",
          non_negative);
  v.field("checkpoint_every", o.checkpoint_every, "steps between two checkpoints", at_least(1));
  v.field("compare_ranks_every", o.compare_ranks_every,
          "steps between two checks that all ranks hold the same networks, 0: never", non_negative);
  v.field("skip_limit", o.skip_limit,
          "updates left out in a row (gradient not finite) before the run gives up", at_least(1));
  v.field("keep_checkpoints", o.keep_checkpoints, "newest checkpoints that stay", at_least(1));
  v.field("precision", o.precision, "fp32, or bf16 for the networks' forward passes");
  v.field("gradient_compression", o.gradient_compression,
          "what gradients travel as between ranks: none (their own type), or bf16");
  v.field("device", o.device, "auto, cpu, cuda, or cuda:N");
  v.field("cpu_threads", o.cpu_threads,
          "threads of each rank for computing on a CPU, 0: the cores divided by the node's ranks",
          non_negative);
}

/// One training run: what `dusk train` reads. Together with the data it determines the result.
struct RunConfig {
  std::string name = "run";
  std::string method = "source_only";
  std::int64_t seed = 0;
  std::filesystem::path data_root = "data";
  SegmenterOptions model;
  std::filesystem::path init_from;
  LossOptions loss;
  OptimOptions optim;
  UnitOptions unit;
  CycleGanOptions cyclegan;
  TranslatorOptions translator;
  DsrnssOptions dsrnss;
  std::map<std::string, StreamOptions> streams;
  PipelineOptions loader;
  std::map<std::string, EvalSetOptions> evaluate;
  EvaluationOptions evaluation;
  TrainOptions train;
  WatchdogOptions watchdog;
};

template <class Visitor>
void describe(Visitor& v, RunConfig& o) {
  v.field("name", o.name, "title of the run in reports");
  v.field("method", o.method,
          "what is trained: source_only, self_training, dsrnss, unit, cyclegan");
  v.field("seed", o.seed, "of initial weights, sample order and augmentation", non_negative);
  v.field("data_root", o.data_root,
          "folder that relative paths of shards and lists of samples start from");
  v.section("model", o.model, "the segmentation network");
  v.field("init_from", o.init_from,
          "run directory whose best checkpoint the segmentation network starts from; empty: none");
  v.section("loss", o.loss, "what a labelled pixel costs");
  v.section("optim", o.optim, "optimizer and learning rate of the segmentation network");
  v.section("unit", o.unit, "networks of method unit");
  v.section("cyclegan", o.cyclegan, "networks of method cyclegan");
  v.section("translator", o.translator, "how the methods unit and cyclegan train");
  v.section("dsrnss", o.dsrnss, "method dsrnss");
  v.field(
      "streams", o.streams,
      "training samples by name; source_only needs 'source', self_training takes all that bring "
      "labels, dsrnss and the translators need 'source' (day) and 'target' (night)");
  v.section("loader", o.loader, "threads that make batches");
  v.field("evaluate", o.evaluate, "labelled sets to be scored on, by name");
  v.section("evaluation", o.evaluation, "how sets are scored");
  v.section("train", o.train, "length, checkpoints, device");
  v.section("watchdog", o.watchdog,
            "what becomes of a run that stands still; may change on resume");
}

}  // namespace dusk
