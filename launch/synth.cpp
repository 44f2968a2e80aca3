#include <CLI/CLI.hpp>

#include "dusk/comm/collectives.hpp"
#include "launch/session.hpp"
#include "sharding/convert.hpp"
#include "sharding/parallel.hpp"
#include "sharding/progress.hpp"
#include "sharding/synth/city.hpp"

namespace dusk::launch {
namespace {

struct SynthArguments {
  synth::CityOptions city;
  std::string layout = "cityscapes", size = "256x512";
  int threads = 0;
};

/// Collective: rank 0 claims the folder, then every rank renders its share.
void render_on_ranks(synth::CityOptions options, MpiRuntime& mpi, Log& log,
                     const Program& program) {
  const auto control = make_mpi_communicator(mpi, log);
  const int rank = control->rank(), size = control->size();
  if (rank == 0) claim_city_folder(options);
  wait_for_all(*control, "claim of the city's folder");
  const std::size_t total = city_pictures(options).size();
  const auto ranks = static_cast<std::size_t>(size);
  {
    sharding::ProgressLine line(
        size == 1 ? "synth" : "synth (share of rank 0)", "pictures", (total + ranks - 1) / ranks,
        {.interactive = program.environment.interactive, .quiet = program.quiet || rank != 0});
    render_city(options, rank, size,
                [&](std::size_t done, std::size_t kept) { line.add(done, kept); });
  }
  wait_for_all(*control, "end of the city");
  log.info("{}: {} places, {} pictures of {}x{}", options.output.string(), options.scenes, total,
           options.height, options.width);
}

void draw_city(const SynthArguments& arguments, Program& program) {
  synth::CityOptions options = arguments.city;
  const auto size = sharding::parse_picture_size(arguments.size, "--size");
  options.height = size.height, options.width = size.width;
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
  command->add_option("--layout", a->layout, "whose folders to write")
      ->check(CLI::IsMember({"cityscapes"}))
      ->capture_default_str();
  command->add_option("--output", a->city.output, "gets day/ and night/, a Cityscapes root each")
      ->required();
  command->add_option("--scenes", a->city.scenes, "places; 70 % train, 15 % val, 15 % test")
      ->capture_default_str();
  command->add_option("--size", a->size, "HEIGHTxWIDTH of the pictures")->capture_default_str();
  command->add_option("--seed", a->city.seed, "another seed is another city")
      ->capture_default_str();
  command->add_flag("--night,!--no-night", a->city.night,
                    "draw every place by night, too (default)");
  command->add_option("--threads", a->threads, "of each rank; default: its share of the cores");
  command->footer("Example:\n  dusk synth --layout cityscapes --scenes 200 --output city");
  command->callback([a, &program] { draw_city(*a, program); });
}

}  // namespace dusk::launch
