#include <fmt/ranges.h>
#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "dusk/base/units.hpp"
#include "dusk/config/config.hpp"
#include "dusk/io/torch_file.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/train/checkpoint_store.hpp"
#include "dusk/train/run_config.hpp"
#include "launch/session.hpp"

namespace dusk::launch {
namespace {

namespace fs = std::filesystem;

struct WeightsArguments {
  fs::path input, output;
  std::string part, prefix, group;
  // of import
  fs::path map, model;
  std::string module;
  std::int64_t classes = 19;
  std::vector<std::string> allow_missing = {"*.num_batches_tracked"};
};

std::string shape_text(const TensorRecord& tensor) {
  return fmt::format("{} ({})", name_of(tensor.dtype), fmt::join(tensor.shape, ", "));
}

std::int64_t elements_of(std::span<const TensorRecord> tensors) {
  std::int64_t elements = 0;
  for (const TensorRecord& tensor : tensors) {
    elements += static_cast<std::int64_t>(tensor.bytes.size() / size_of(tensor.dtype));
  }
  return elements;
}

std::string total_text(std::span<const TensorRecord> tensors) {
  std::size_t bytes = 0;
  for (const TensorRecord& tensor : tensors) bytes += tensor.bytes.size();
  return fmt::format("{} tensors, {} values, {}", tensors.size(), elements_of(tensors),
                     to_string(Bytes{bytes}));
}

/// The network's file in a checkpoint: that of the group, or the only one that is no optimizer's.
fs::path network_file(const fs::path& checkpoint, const std::string& group) {
  verify_checkpoint(checkpoint);
  std::vector<std::string> groups;
  for (const auto& entry : fs::directory_iterator(checkpoint)) {
    const std::string stem = entry.path().stem().string();
    const bool is_network =
        entry.path().extension() == ".safetensors" && !stem.ends_with("-optimizer");
    if (is_network && (group.empty() || stem == group)) groups.push_back(stem);
  }
  if (groups.size() != 1) {
    fail<ConfigError>("{}: choose a network with --group ({})", checkpoint.string(),
                      fmt::join(groups, ", "));
  }
  return checkpoint / (groups.front() + ".safetensors");
}

/// The file of tensors that a path stands for: itself, or that of a checkpoint or of the newest
/// valid checkpoint of a run.
fs::path tensor_path(const WeightsArguments& arguments, Log& log) {
  if (!fs::is_directory(arguments.input)) return arguments.input;
  const fs::path checkpoints = checkpoint_folder(arguments.input);
  if (!fs::is_directory(checkpoints)) return network_file(arguments.input, arguments.group);
  const auto newest = CheckpointStore(checkpoints, 1, log).latest_valid();
  if (!newest) fail<StorageError>("{} has no valid checkpoint", arguments.input.string());
  return network_file(newest->path, arguments.group);
}

void write_weights(const fs::path& path, std::span<const TensorRecord> tensors,
                   const TensorMetadata& metadata) {
  const fs::path extension = path.extension();
  if (extension == ".safetensors") {
    write_safetensors(path, tensors, metadata);
  } else if (extension == ".pth" || extension == ".pt") {
    write_torch(path, tensors);
  } else {
    fail<ConfigError>("{}: the name must end with .safetensors, .pth or .pt", path.string());
  }
}

void log_passed_over(const TensorFile& file, Log& log) {
  for (const std::string& text : file.passed_over()) {
    log.info("{}: passed over: {}", file.path().string(), text);
  }
}

/// A row for each list of the comparison, and an error where the two do not fit.
void compare_with_model(const WeightsArguments& arguments, std::span<const TensorRecord> tensors) {
  const auto config = read<RunConfig>(load_config(arguments.model));
  const auto network = make_segmenter(config.model, arguments.classes,
                                      {.seed = kNoInitialValues, .load_weights = false});
  const torch::nn::Module* module = network.get();
  if (!arguments.module.empty()) {
    const auto modules = network->named_modules();
    const auto* found = modules.find(arguments.module);
    if (found == nullptr) {
      fail<ConfigError>("{}: the network has no module '{}'", arguments.model.string(),
                        arguments.module);
    }
    module = found->get();
  }
  const LoadPreview preview = preview_weights(
      *module, tensors,
      {.renames = {}, .allowed_extra = {}, .allowed_missing = arguments.allow_missing});
  for (const std::string& name : preview.report.matched) std::cout << "matched  " << name << '\n';
  for (const std::string& name : preview.report.missing) std::cout << "missing  " << name << '\n';
  if (preview.problems.empty()) return;
  for (const std::string& problem : preview.problems) std::cout << "problem  " << problem << '\n';
  fail<ConfigError>("{} does not fit {}, {} differences:\n  {}\nNothing was written.",
                    arguments.input.string(), arguments.model.string(), preview.problems.size(),
                    fmt::join(preview.problems, "\n  "));
}

void import_weights(const WeightsArguments& arguments, Program& program) {
  Log log = program.make_log(0, 1);
  const NameMap map = arguments.map.empty() ? NameMap{} : read<NameMap>(load_config(arguments.map));
  const auto file =
      read_weights(arguments.input, arguments.part.empty() ? map.part : arguments.part);
  MappedTensors mapped(file->tensors());
  mapped.cut_prefix(arguments.prefix);
  mapped.apply(map);
  for (const auto& [tensor, origin, reversed] : mapped.items()) {
    std::cout << fmt::format("tensor   {} {}{}{}\n", tensor.name, shape_text(tensor),
                             origin == tensor.name ? "" : " <- " + origin,
                             reversed == nullptr ? "" : ", input channels reordered");
  }
  for (const std::string& name : mapped.dropped()) std::cout << "dropped  " << name << '\n';
  for (const std::string& text : file->passed_over()) std::cout << "no tensor " << text << '\n';
  const std::vector<TensorRecord> tensors = mapped.tensors();
  if (!arguments.model.empty()) compare_with_model(arguments, tensors);
  write_weights(arguments.output, tensors, {});
  log.info("{}: {} ({} dropped)", arguments.output.string(), total_text(tensors),
           mapped.dropped().size());
}

void export_weights(const WeightsArguments& arguments, Program& program) {
  Log log = program.make_log(0, 1);
  const auto file = read_weights(tensor_path(arguments, log), arguments.part);
  log_passed_over(*file, log);
  MappedTensors mapped(file->tensors());
  mapped.cut_prefix(arguments.prefix);
  const std::vector<TensorRecord> tensors = mapped.tensors();
  write_weights(arguments.output, tensors, {{"format", "pt"}});
  log.info("{}: {} of {}", arguments.output.string(), total_text(tensors), file->path().string());
}

void inspect_weights(const WeightsArguments& arguments, Program& program) {
  Log log = program.make_log(0, 1);
  const auto file = read_weights(tensor_path(arguments, log), arguments.part);
  log_passed_over(*file, log);
  std::cout << fmt::format("{:>12} {:>12} {:>12} {:>12} {:>8}  name, type, shape\n", "min", "max",
                           "mean", "std", "NaN");
  for (const TensorRecord& tensor : file->tensors()) {
    const TensorStatistics s = statistics_of(tensor);
    std::cout << fmt::format("{:>12.5g} {:>12.5g} {:>12.5g} {:>12.5g} {:>8}  {} {}\n", s.min, s.max,
                             s.mean, s.deviation, s.nans, tensor.name, shape_text(tensor));
  }
  std::cout << total_text(file->tensors()) << '\n';
}

}  // namespace

void add_weights(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand("weights", "Tensors of networks: looks at them, in and out");
  command->require_subcommand(1);
  auto a = std::make_shared<WeightsArguments>();
  const auto add = [&](const char* name, const char* help, const char* input, const char* example) {
    auto* part = command->add_subcommand(name, help);
    part->add_option("input", a->input, input)->required();
    part->add_option("--part", a->part,
                     "dictionary of a checkpoint of Python that holds the tensors, as 'a/b'; "
                     "without it the outermost one, or state_dict, model, net ... within");
    part->footer(fmt::format("Example:\n  dusk weights {} {}", name, example));
    return part;
  };
  const char* const kPrefixHelp = "takes only names that begin with this, and cuts it off";
  const char* const kRunHelp = "safetensors, .pth, a checkpoint, or a run directory (its newest)";

  auto* in = add(
      "import", "Brings a published file (.pth or safetensors) under our names; lists every tensor",
      "safetensors, or a file of torch.save; nothing in it is executed",
      "resnet50.pth resnet50.safetensors --map "
      "configs/models/torchvision_backbone.names.yaml");
  in->add_option("output", a->output, "the safetensors file to write")->required();
  in->add_option("--prefix", a->prefix, kPrefixHelp);
  in->add_option("--map", a->map, "YAML file of names, see configs/README.md");
  in->add_option("--model", a->model,
                 "configuration of a run: compare with its network, and write nothing if they "
                 "differ");
  in->add_option("--module", a->module, "part of that network, for example backbone");
  in->add_option("--classes", a->classes, "classes of that network")->capture_default_str();
  in->add_option("--allow-missing", a->allow_missing,
                 "names that the file may lack, with * for any characters")
      ->allow_extra_args(false)
      ->capture_default_str();
  in->callback([a, &program] { import_weights(*a, program); });

  auto* out = add("export", "Writes a network for Python: .pth for torch.load, or safetensors",
                  kRunHelp, "runs/camvid camvid.pth");
  out->add_option("output", a->output, "a .pth, .pt or .safetensors file")->required();
  out->add_option("--prefix", a->prefix, kPrefixHelp);
  out->add_option("--group", a->group, "network of a checkpoint that has several");
  out->callback([a, &program] { export_weights(*a, program); });

  auto* show = add("inspect", "Names, types, shapes and statistics", kRunHelp, "resnet50.pth");
  show->add_option("--group", a->group, "network of a checkpoint that has several");
  show->callback([a, &program] { inspect_weights(*a, program); });
}

}  // namespace dusk::launch
