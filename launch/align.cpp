#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/data/views.hpp"
#include "dusk/report/pictures.hpp"
#include "launch/map_command.hpp"
#include "launch/shared_work.hpp"
#include "sharding/align.hpp"
#include "sharding/parallel.hpp"

namespace dusk::launch {
namespace {

using namespace dusk::sharding;

struct AlignArguments {
  std::filesystem::path input, output, sheets;
  SampleFilter filter;
  std::size_t sheet_count = 20;
  int threads = 0;
};

/// What is found out of a pair, as numbers that ranks can add: a rank that did not look at it has
/// zeros.
constexpr std::size_t kNumbers = 4 + std::tuple_size_v<Homography>;

void pack(const PairAlignment& alignment, std::span<double> numbers) {
  numbers[0] = static_cast<double>(alignment.matches);
  numbers[1] = static_cast<double>(alignment.inliers);
  numbers[2] = static_cast<double>(alignment.fault);
  numbers[3] = alignment.sigma;
  std::ranges::copy(alignment.map, numbers.begin() + 4);
}

void unpack(std::span<const double> numbers, PairAlignment& alignment) {
  alignment.matches = static_cast<std::int64_t>(numbers[0]);
  alignment.inliers = static_cast<std::int64_t>(numbers[1]);
  alignment.fault = static_cast<AlignmentFault>(static_cast<int>(numbers[2]));
  alignment.sigma = numbers[3];
  std::ranges::copy(numbers.subspan(4), alignment.map.begin());
}

/// The pairs of a set, found and aligned by all ranks together.
class PairAligner {
 public:
  PairAligner(const AlignArguments& arguments, const ViewedDataset& pairs)
      : arguments_(arguments),
        nights_(pairs.dataset),
        days_(pairs.views.front()),
        numbers_(nights_.size() * kNumbers) {}

  /// Collective.
  std::vector<PairAlignment> work(MpiRuntime& mpi, Communicator& control, const Program& program) {
    const int threads = choose_threads(arguments_.threads, mpi.launch().local_size);
    // Few enough that ranks end together, enough that threads seldom wait for each other.
    const auto at_a_time = static_cast<std::uint64_t>(2 * threads);
    share_work({.what = "align", .unit = "pairs", .count = nights_.size(), .at_a_time = at_a_time},
               mpi, program, [&](std::uint64_t begin, std::uint64_t end) {
                 parallel_for(end - begin, threads,
                              [&](std::size_t i) { align(static_cast<std::size_t>(begin) + i); });
               });
    all_reduce(control, std::span(numbers_), ReduceOp::sum, "alignments");
    std::vector<PairAlignment> alignments;
    for (std::size_t i = 0; i < nights_.size(); ++i) alignments.push_back(alignment_of(i));
    return alignments;
  }

 private:
  [[nodiscard]] std::uint64_t day_of(std::size_t pair) const { return days_.partners->at(pair); }

  [[nodiscard]] static Picture read(const Dataset& dataset, std::uint64_t index) {
    const SampleInfo& info = dataset.info(index);
    Picture picture{info.height, info.width, 3, {}};
    picture.pixels.resize(static_cast<std::size_t>(info.height) *
                          static_cast<std::size_t>(info.width) * 3);
    dataset.read(Field::image, index, whole(info), picture.pixels);
    return picture;
  }

  void align(std::size_t pair) {
    const Picture night = read(nights_, pair), day = read(days_.dataset, day_of(pair));
    const std::string& name = nights_.info(pair).name;
    if (night.height != day.height || night.width != day.width)
      fail<DataError>("{}: '{}' has {}x{} pixels, its partner '{}' {}x{}", nights_.name(), name,
                      night.height, night.width, days_.dataset.info(day_of(pair)).name, day.height,
                      day.width);
    const PairAlignment alignment = align_pictures(night, day);
    pack(alignment, std::span(numbers_).subspan(pair * kNumbers, kNumbers));
    if (!arguments_.sheets.empty() && pair < arguments_.sheet_count)
      write_alignment_sheet(arguments_.sheets / (picture_file_stem(name) + ".png"), night, day,
                            alignment);
  }

  [[nodiscard]] PairAlignment alignment_of(std::size_t pair) const {
    const SampleInfo& night = nights_.info(pair);
    PairAlignment alignment{.night = night.name,
                            .day = days_.dataset.info(day_of(pair)).name,
                            .height = night.height,
                            .width = night.width};
    unpack(std::span(numbers_).subspan(pair * kNumbers, kNumbers), alignment);
    return alignment;
  }

  const AlignArguments& arguments_;
  const Dataset& nights_;
  const View& days_;
  std::vector<double> numbers_;  // (pairs, kNumbers)
};

/// "few inliers (12), moves a corner far (3)"
std::string describe_refusals(const std::vector<PairAlignment>& alignments) {
  std::string text;
  for (const auto& [name, fault] : names_of(AlignmentFault{})) {
    const auto count = std::ranges::count(alignments, fault, &PairAlignment::fault);
    if (fault == AlignmentFault::none || count == 0) continue;
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", name, count);
  }
  return text;
}

void describe(const std::vector<PairAlignment>& alignments, const std::filesystem::path& output,
              Log& log) {
  constexpr std::size_t kFew = 4;
  if (alignments.size() <= kFew)
    for (const PairAlignment& pair : alignments)
      log.info("{} on {}: {} of {} matches agree, {}", pair.day, pair.night, pair.inliers,
               pair.matches,
               pair.accepted() ? fmt::format("within {:.2f} pixels", pair.sigma) : "refused");
  const auto accepted = std::ranges::count_if(alignments, &PairAlignment::accepted);
  const std::string refusals = describe_refusals(alignments);
  log.info("{} of {} pairs have a homography{}: {}", accepted, alignments.size(),
           refusals.empty() ? "" : "; refused: " + refusals, output.string());
}

void align(const AlignArguments& arguments, MpiRuntime& mpi, Log& log, const Program& program) {
  const auto control = make_mpi_communicator(mpi, log);
  const ShardSet set = ShardSet::open(arguments.input);
  const ViewedDataset pairs = with_views(Dataset::of(set, arguments.filter), {.pair = true});
  compute_on_calling_thread();
  if (!arguments.sheets.empty()) make_directories(arguments.sheets);
  const auto alignments = PairAligner(arguments, pairs).work(mpi, *control, program);
  if (control->rank() == 0) {
    nlohmann::json made_by{{"command", "align"}, {"input", to_hex(set.identity())}};
    made_by.update(nlohmann::json::parse(describe_alignment()));
    if (arguments.output.has_parent_path()) make_directories(arguments.output.parent_path());
    write_pair_alignments(arguments.output, {.made_by = made_by.dump(), .pairs = alignments});
    describe(alignments, arguments.output, log);
  }
  wait_for_all(*control, "the alignments are published");
}

}  // namespace

void add_align(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand(
      "align",
      "Finds homographies that lay day pictures over the night pictures of their pairs, for method "
      "dsrnss; all ranks share the work");
  auto a = std::make_shared<AlignArguments>();
  command->add_option("--input", a->input, "set of shards with pairs")->required();
  command->add_option("--output", a->output, "file for the homographies")->required();
  add_filter_options(*command, a->filter);
  command->add_option("--draw", a->sheets,
                      "folder for PNGs of the first pairs: night; day laid over it; both as a "
                      "checkerboard; confidence (white 0.5, black 0)");
  command->add_option("--draw-count", a->sheet_count, "how many pairs --draw draws")
      ->capture_default_str();
  command->add_option("--threads", a->threads, "of each rank; default: its share of the cores");
  command->footer(
      "Example:\n  launch/local.sh -n 2 -- align --input shards/dark_zurich --split train --output "
      "shards/dark_zurich/homographies.json --draw sheets");
  command->callback([a, &program] {
    run_on_ranks(program, [&](MpiRuntime& mpi, Log& log) { align(*a, mpi, log, program); });
  });
}

}  // namespace dusk::launch
