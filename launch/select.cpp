#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/data/eval_loader.hpp"
#include "dusk/data/pixel_values.hpp"
#include "dusk/data/selection.hpp"
#include "dusk/loss/frechet.hpp"
#include "dusk/nn/feature_network.hpp"
#include "dusk/report/score_page.hpp"
#include "launch/map_command.hpp"
#include "launch/session.hpp"
#include "launch/shared_work.hpp"

namespace dusk::launch {
namespace {

using Json = nlohmann::json;

/// What both rules have in common.
struct SelectArguments {
  std::filesystem::path input, output;
  SampleFilter filter;
  double night_below = 65;
  std::size_t count = 1600;
};

struct BandArguments {
  SelectArguments common;
  BandRule rule;
  double red_weight = 0.5;
};

enum class FidMode { pooled, spatial };

struct FidArguments {
  SelectArguments common;
  DistanceRule rule;
  std::vector<std::filesystem::path> references;
  std::optional<FeatureKind> features;
  std::filesystem::path weights;
  FidMode mode = FidMode::pooled;
  bool transductive = false;
  std::string device = "auto";
  EvalOptions loader{.batch = 8, .labels = false, .threads = 2, .prefetch = 3};
};

/// What a rank takes from the queue of all ranks, and hence what is computed together.
constexpr std::uint64_t kSamplesAtATime = 64;

void share_samples(std::uint64_t samples, MpiRuntime& mpi, const std::string& what,
                   const Program& program,
                   const std::function<void(std::uint64_t, std::uint64_t)>& work) {
  share_work({.what = what, .unit = "pictures", .count = samples, .at_a_time = kSamplesAtATime},
             mpi, program, work);
}

/// Scores of single pictures by their pixels. Each rank fills what it got; the others have zeros
/// there, so that the sum is exact.
std::vector<double> brightness_of(const Dataset& dataset, double red_weight, MpiRuntime& mpi,
                                  Communicator& control, const Program& program) {
  std::vector<double> scores(dataset.size());
  std::vector<std::uint8_t> image;
  const auto work = [&](std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t i = begin; i < end; ++i) {
      const SampleInfo& info = dataset.info(i);
      image.resize(static_cast<std::size_t>(info.height) * static_cast<std::size_t>(info.width) *
                   3);
      dataset.read(Field::image, i, whole(info), image);
      scores[i] = weighted_brightness(image, red_weight);
    }
  };
  share_samples(dataset.size(), mpi, "brightness", program, work);
  all_reduce(control, std::span(scores), ReduceOp::sum, "brightness");
  return scores;
}

/// The samples of a set that a rule chooses from.
struct Candidates {
  Dataset dataset;
  std::uint64_t too_bright = 0;
};

/// Night pictures have a mean of all channels below the threshold (spec B.9.2). 0: all are taken.
Candidates find_candidates(const SelectArguments& arguments, const Dataset& dataset,
                           MpiRuntime& mpi, Communicator& control, const Program& program) {
  if (arguments.night_below <= 0) return {dataset};
  const auto brightness = brightness_of(dataset, 1.0, mpi, control, program);
  std::vector<std::uint64_t> dark;
  for (std::uint64_t i = 0; i < dataset.size(); ++i)
    if (brightness[i] < arguments.night_below) dark.push_back(i);
  if (dark.empty())
    fail<DataError>(
        "{}: none of its {} pictures has a mean below {} (the darkest: {:.1f}); --night-below sets "
        "that, 0 takes all",
        dataset.name(), dataset.size(), arguments.night_below,
        *std::ranges::min_element(brightness));
  return {dataset.subset(dark), dataset.size() - dark.size()};
}

std::vector<ListedSample> listed(const Dataset& dataset, const std::vector<double>& scores) {
  std::vector<ListedSample> samples;
  for (std::uint64_t i = 0; i < dataset.size(); ++i)
    samples.push_back({.name = dataset.info(i).name, .score = scores[i]});
  return samples;
}

/// Rank 0: the list, and beside it a page with a plot of the scores.
void publish_list(const SelectArguments& arguments, const std::string& title, const Json& made_by,
                  std::vector<ListedSample> samples, Log& log) {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const auto& [key, value] : made_by.items())
    facts.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
  std::vector<ChosenScore> scores;
  for (const ListedSample& sample : samples) scores.emplace_back(sample.score, sample.chosen);
  const auto chosen = std::ranges::count_if(samples, &ListedSample::chosen);
  facts.emplace_back("chosen", std::to_string(chosen));
  const auto page = std::filesystem::path(arguments.output).replace_extension(".html");
  if (arguments.output.has_parent_path()) make_directories(arguments.output.parent_path());
  write_sample_list(arguments.output, {.made_by = made_by.dump(), .samples = std::move(samples)});
  write_score_page(page, title, facts, std::move(scores));
  log.info("{} chosen: {}; a plot of the scores: {}", chosen, arguments.output.string(),
           page.string());
}

void select_by_band(const BandArguments& arguments, Program& program, MpiRuntime& mpi, Log& log) {
  const auto control = make_mpi_communicator(mpi, log);
  const ShardSet set = ShardSet::open(arguments.common.input);
  const Dataset all = Dataset::of(set, arguments.common.filter);
  const Candidates found = find_candidates(arguments.common, all, mpi, *control, program);
  const auto scores = brightness_of(found.dataset, arguments.red_weight, mpi, *control, program);
  auto samples = listed(found.dataset, scores);
  BandRule rule = arguments.rule;
  rule.count = arguments.common.count;
  const std::size_t inside = choose_by_band(samples, rule);
  log.info("{} candidates ({} are too bright), {} with a score in ({}, {})", samples.size(),
           found.too_bright, inside, rule.low, rule.high);
  if (control->rank() == 0) {
    const Json made_by{{"command", "select histogram"},
                       {"score", "mean of (red_weight R + G + B) / 3"},
                       {"red_weight", arguments.red_weight},
                       {"low", rule.low},
                       {"high", rule.high},
                       {"strict_band", rule.strict},
                       {"count", rule.count},
                       {"night_below", arguments.common.night_below},
                       {"too_bright", found.too_bright},
                       {"candidates", samples.size()},
                       {"within_band", inside},
                       {"input", to_hex(set.identity())}};
    publish_list(arguments.common, "Histogram rule", made_by, std::move(samples), log);
  }
  wait_for_all(*control, "the list is published");
}

/// Inception where its weights are given; otherwise something that compares pictures.
FeatureKind features_of(const FidArguments& arguments) {
  return arguments.features.value_or(arguments.weights.empty() ? FeatureKind::mobilenet_v2
                                                               : FeatureKind::inception);
}

void check(const FidArguments& arguments) {
  if (arguments.rule.choice != DistanceChoice::topk &&
      features_of(arguments) != FeatureKind::inception)
    fail<ConfigError>(
        "--select threshold is for --features inception: distances in features of other networks "
        "are not comparable, only --select topk has a meaning with them");
}

/// The FID rule (spec B.9.3) over features of one network.
class FidSelection {
 public:
  FidSelection(const FidArguments& arguments, Program& program, MpiRuntime& mpi, Log& log)
      : arguments_(arguments),
        program_(program),
        mpi_(mpi),
        log_(log),
        session_(mpi, log, arguments.device, 0, program.environment),
        network_(features_of(arguments), arguments.weights) {
    network_.to(session_.device().torch());
    log.info("features: {}", network_.name());
    if (!network_.is_fid() && mpi.launch().rank == 0)
      log.warn(
          "these are not the features of the Frechet inception distance: scores say what is nearer "
          "here and cannot be compared with published ones (--weights FILE of the FID Inception)");
  }

  void work() {
    const ShardSet set = ShardSet::open(arguments_.common.input);
    const Dataset all = Dataset::of(set, arguments_.common.filter);
    Json references = Json::array();
    const at::Tensor reference = reference_features(references);
    const Candidates found =
        find_candidates(arguments_.common, all, mpi_, session_.control(), program_);
    auto samples = listed(found.dataset, distances(found.dataset, reference));
    DistanceRule rule = arguments_.rule;
    rule.count = arguments_.common.count;
    const std::size_t below = choose_by_distance(samples, rule);
    log_.info("{} candidates ({} are too bright), {} at a distance below {}", samples.size(),
              found.too_bright, below, rule.threshold);
    if (session_.control().rank() == 0) {
      const Json made_by{{"command", "select fid"},
                         {"features", network_.name()},
                         {"comparable_with_fid", network_.is_fid()},
                         {"mode", arguments_.mode == FidMode::pooled ? "pooled" : "spatial"},
                         {"references", references},
                         {"reference_pictures", reference.size(0)},
                         {"transductive", arguments_.transductive},
                         {"choice", name_of_choice(rule.choice)},
                         {"count", rule.count},
                         {"threshold", rule.threshold},
                         {"below_threshold", below},
                         {"night_below", arguments_.common.night_below},
                         {"too_bright", found.too_bright},
                         {"candidates", samples.size()},
                         {"input", to_hex(set.identity())}};
      publish_list(arguments_.common, "FID rule", made_by, std::move(samples), log_);
    }
    wait_for_all(session_.control(), "the list is published");
  }

 private:
  static std::string name_of_choice(DistanceChoice choice) {
    for (const auto& [name, value] : names_of(DistanceChoice{}))
      if (value == choice) return std::string(name);
    fail<InternalError>("a choice without a name");
  }

  /// Calls `use(first, map)` with maps (n, D, h, w) of the samples from `first` on.
  void for_each_map(const Dataset& dataset, const std::string& what,
                    const std::function<void(std::uint64_t, const at::Tensor&)>& use) {
    const auto work = [&](std::uint64_t begin, std::uint64_t end) {
      std::vector<std::uint64_t> indices;
      for (std::uint64_t i = begin; i < end; ++i) indices.push_back(i);
      EvalLoader loader(dataset.subset(indices), 0, 1, session_.device(), arguments_.loader);
      while (const auto batch = loader.next()) {
        const at::Tensor images = session_.device().upload(batch->images);
        use(begin + batch->first_position, network_.map((to_symmetric(images) + 1) / 2));
      }
    };
    share_samples(dataset.size(), mpi_, what, program_, work);
  }

  /// Pooled features (N, D) of a whole set, on every rank.
  at::Tensor pooled_features(const Dataset& dataset, const std::string& what) {
    at::Tensor features;
    for_each_map(dataset, what, [&](std::uint64_t first, const at::Tensor& map) {
      const at::Tensor pooled = map.mean({2, 3}).to(torch::kFloat32).cpu();
      if (!features.defined())
        features = torch::zeros({static_cast<std::int64_t>(dataset.size()), pooled.size(1)});
      features.narrow(0, static_cast<std::int64_t>(first), pooled.size(0)).copy_(pooled);
    });
    const std::int64_t size =
        max(session_.control(), features.defined() ? features.size(1) : 0, "number of features");
    if (!features.defined())
      features = torch::zeros({static_cast<std::int64_t>(dataset.size()), size});
    session_.control().all_reduce(features, ReduceOp::sum, "features").wait();
    return features;
  }

  at::Tensor reference_features(Json& references) {
    std::vector<at::Tensor> parts;
    for (const auto& path : arguments_.references) {
      const ShardSet set = ShardSet::open(path);
      const Dataset dataset = Dataset::of(set);
      for (std::uint64_t i = 0; i < dataset.size() && !arguments_.transductive; ++i)
        if (dataset.info(i).role == "test")
          fail<ConfigError>(
              "--reference {}: sample '{}' is of a test set; a choice by test pictures must be "
              "reported as such: --transductive allows it",
              path.string(), dataset.info(i).name);
      parts.push_back(pooled_features(dataset, "features of " + path.filename().string()));
      references.push_back(
          {{"set", path.filename().string()}, {"identity", to_hex(set.identity())}});
    }
    at::Tensor all = at::cat(parts);
    if (all.size(0) < 2) fail<DataError>("--reference: one picture alone has no distribution");
    return all;
  }

  std::vector<double> distances(const Dataset& candidates, const at::Tensor& reference) {
    std::vector<double> scores(candidates.size());
    if (arguments_.mode == FidMode::pooled) {
      const at::Tensor values = reference.to(torch::kFloat64);
      const at::Tensor mean = values.mean(0);
      const double trace = values.var(0, /*unbiased=*/true).sum().item<double>();
      const at::Tensor features = pooled_features(candidates, "features of candidates");
      for (std::size_t i = 0; i < scores.size(); ++i)
        scores[i] = frechet_distance_of_one(features[static_cast<std::int64_t>(i)], mean, trace);
      return scores;
    }
    const FeatureStatistics statistics = feature_statistics(reference);
    for_each_map(candidates, "distances", [&](std::uint64_t first, const at::Tensor& map) {
      for (std::int64_t i = 0; i < map.size(0); ++i) {
        const at::Tensor positions = map[i].flatten(1).t();  // (h * w, D)
        if (positions.size(0) < 2)
          fail<DataError>("a picture of {} is too small for mode spatial", candidates.name());
        scores[first + static_cast<std::uint64_t>(i)] =
            frechet_distance_of_few(positions, statistics);
      }
    });
    all_reduce(session_.control(), std::span(scores), ReduceOp::sum, "distances");
    return scores;
  }

  const FidArguments& arguments_;
  Program& program_;
  MpiRuntime& mpi_;
  Log& log_;
  Session session_;
  FeatureNetwork network_;
};

void add_common_options(CLI::App& command, SelectArguments& a) {
  command.add_option("--input", a.input, "set of shards to choose from")->required();
  command.add_option("--output", a.output, "file for the list; a page with a plot goes beside it")
      ->required();
  add_filter_options(command, a.filter);
  command
      .add_option("--night-below", a.night_below,
                  "candidates have a mean of all channels below this; 0: all are candidates")
      ->capture_default_str();
  command.add_option("--count", a.count, "samples to choose")->capture_default_str();
}

void add_band(CLI::App& parent, Program& program) {
  auto* command = parent.add_subcommand(
      "histogram", "Pictures whose brightness is nearest to the middle of a band");
  auto a = std::make_shared<BandArguments>();
  add_common_options(*command, a->common);
  command->add_option("--low", a->rule.low, "lower end of the band, in grey levels")
      ->capture_default_str();
  command->add_option("--high", a->rule.high, "upper end")->capture_default_str();
  command->add_option("--red-weight", a->red_weight, "the score is (weight R + G + B) / 3")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_flag("--strict-band", a->rule.strict, "all within the band, whatever --count says");
  command->footer(
      "Example:\n  launch/local.sh -n 2 -- select histogram --input shards/nexet --only-time night "
      "--output lists/his.json");
  command->callback([a, &program] {
    if (!(a->rule.low < a->rule.high))
      fail<ConfigError>("--low {} must be less than --high {}", a->rule.low, a->rule.high);
    run_on_ranks(program,
                 [&](MpiRuntime& mpi, Log& log) { select_by_band(*a, program, mpi, log); });
  });
}

template <class Enum>
std::map<std::string, Enum> choices() {
  std::map<std::string, Enum> all;
  for (const auto& [name, value] : names_of(Enum{})) all.emplace(name, value);
  return all;
}

void add_fid(CLI::App& parent, Program& program) {
  auto* command = parent.add_subcommand(
      "fid", "Pictures whose features are nearest to those of reference sets");
  auto a = std::make_shared<FidArguments>();
  add_common_options(*command, a->common);
  command->add_option("--reference", a->references, "sets of shards; several may be given")
      ->required();
  command
      ->add_option("--features", a->features,
                   "network of the features; default: inception with --weights, else mobilenet_v2, "
                   "whose values are then random")
      ->transform(CLI::CheckedTransformer(choices<FeatureKind>()));
  command->add_option("--weights", a->weights, "file (.safetensors or .pth) of its weights");
  command
      ->add_option(
          "--mode", a->mode,
          "pooled: one vector a picture; spatial: the positions of the last map as samples")
      ->transform(CLI::CheckedTransformer(std::map<std::string, FidMode>{
          {"pooled", FidMode::pooled}, {"spatial", FidMode::spatial}}))
      ->default_str("pooled");
  command
      ->add_option("--select", a->rule.choice,
                   "topk: the --count nearest; threshold: all below --threshold; threshold_topk: "
                   "both")
      ->transform(CLI::CheckedTransformer(choices<DistanceChoice>()))
      ->default_str("topk");
  command->add_option("--threshold", a->rule.threshold, "greatest distance")->capture_default_str();
  command->add_flag("--transductive", a->transductive, "allow test pictures as reference");
  command->add_option("--device", a->device, "auto, cpu, cuda, or cuda:N")->capture_default_str();
  command->add_option("--batch", a->loader.batch, "pictures at once on a rank")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->footer(
      "Example:\n  launch/local.sh -n 2 -- select fid --input shards/nexet --only-time night "
      "--reference shards/city_night --weights data/fid_inception.pth --output lists/fid.json");
  command->callback([a, &program] {
    check(*a);
    run_on_ranks(program, [&](MpiRuntime& mpi, Log& log) {
      const at::NoGradGuard no_grad;
      FidSelection(*a, program, mpi, log).work();
    });
  });
}

}  // namespace

void add_select(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand(
      "select", "Chooses samples of a set; the list is for --list and for streams (filter.list)");
  command->require_subcommand(1);
  add_band(*command, program);
  add_fid(*command, program);
}

}  // namespace dusk::launch
