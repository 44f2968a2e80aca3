#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>

#include "dusk/base/progress.hpp"
#include "dusk/comm/collectives.hpp"
#include "launch/session.hpp"
#include "sharding/convert.hpp"
#include "sharding/parallel.hpp"
#include "sharding/synth/city.hpp"
#include "sharding/synth/preview.hpp"

namespace dusk::launch {
namespace {

struct SynthArguments {
  synth::CityOptions city;
  std::string size = "256x512";
  std::filesystem::path preview;
  int threads = 0;
};

/// Sums over all ranks.
synth::CityCounts sum_counts(Communicator& control, synth::CityCounts counts) {
  for (auto& classes : counts)
    for (std::uint64_t& count : classes)
      count = static_cast<std::uint64_t>(sum(control, count, "pixels of a class"));
  return counts;
}

/// Collective: rank 0 claims the folder, every rank renders its share, rank 0 completes the city.
void render_on_ranks(synth::CityOptions options, MpiRuntime& mpi, Log& log,
                     const Program& program) {
  const auto control = make_mpi_communicator(mpi, log);
  const int rank = control->rank(), size = control->size();
  if (rank == 0) claim_city_folder(options);
  wait_for_all(*control, "claim of the city's folder");
  const std::size_t total = city_visits(options).size();
  const auto ranks = static_cast<std::size_t>(size);
  std::atomic<std::size_t> kept_here = 0;
  synth::CityCounts counts;
  {
    ProgressLine line(
        size == 1 ? "synth" : "synth (share of rank 0)", "pictures", (total + ranks - 1) / ranks,
        {.interactive = program.environment.interactive, .quiet = program.quiet || rank != 0});
    counts = render_city(options, rank, size, [&](std::size_t done, std::size_t kept) {
      line.add(done, kept);
      kept_here += kept;
    });
  }
  const auto kept = sum(*control, kept_here.load(), "pictures that were there");
  counts = sum_counts(*control, counts);
  if (rank == 0) finish_city(options);
  wait_for_all(*control, "end of the city");
  log.info("{}: {} places, {} pictures of {}x{}", options.output.string(), options.scenes, total,
           options.height, options.width);
  if (kept > 0) log.info("{} pictures were there already and are not counted below", kept);
  if (static_cast<std::size_t>(kept) < total) log.info("{}", synth::describe_classes(counts));
}

std::string layout_help() {
  std::string text = "Layouts:";
  for (const synth::Layout& layout : synth::layouts())
    text += fmt::format("\n  {:<12} {}", layout.name, layout.summary);
  return text;
}

void draw_city(const SynthArguments& arguments, Program& program) {
  synth::CityOptions options = arguments.city;
  const auto size = sharding::parse_picture_size(arguments.size, "--size");
  options.height = size.height, options.width = size.width;
  check_options(options);
  if (!arguments.preview.empty()) {
    constexpr int kPlaces = 3;
    return write_preview(options, kPlaces, arguments.preview);
  }
  run_on_ranks(program, [&](MpiRuntime& mpi, Log& log) {
    options.threads = sharding::choose_threads(arguments.threads, mpi.launch().local_size);
    render_on_ranks(options, mpi, log, program);
  });
}

}  // namespace

void add_synth(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand(
      "synth", "Draws a small city by day and by night, with exact labels, as a data set on disk");
  auto a = std::make_shared<SynthArguments>();
  command->add_option("--layout", a->city.layout, "whose folders to write, see below")
      ->capture_default_str();
  auto* target = command->add_option_group("what to write")->require_option(1);
  target->add_option("--output", a->city.output, "folder for the data set");
  target->add_option("--preview", a->preview,
                     "only this PNG: three places by day and by night, labels, depth");
  command->add_option("--scenes", a->city.scenes, "places; 70 % train, 15 % val, 15 % test")
      ->capture_default_str();
  command->add_option("--size", a->size, "HEIGHTxWIDTH of the pictures")->capture_default_str();
  command->add_option("--seed", a->city.seed, "another seed is another city")
      ->capture_default_str();
  command->add_flag("--night,!--no-night", a->city.night,
                    "draw every place by night, too (default)");
  command->add_flag("--disparity", a->city.extras.disparity,
                    "also distances, as disparities, and the camera's numbers");
  command->add_flag("--sequence", a->city.extras.sequence,
                    "also the frames before and after, and the camera's motion");
  command->add_flag("--flow", a->city.extras.flow,
                    "also optical flow to the next frame and to the other visit of the place");
  command->add_option("--threads", a->threads, "of each rank; default: its share of the cores");
  command->footer(layout_help() +
                  "\nExample:\n  dusk synth --layout cityscapes --scenes 200 --output city");
  command->callback([a, &program] { draw_city(*a, program); });
}

}  // namespace dusk::launch
