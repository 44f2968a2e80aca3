#include <fmt/ranges.h>
#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dusk/config/config.hpp"
#include "dusk/data/label_space.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/nn/layer_table.hpp"
#include "dusk/train/run_config.hpp"
#include "launch/commands.hpp"

namespace dusk::launch {
namespace {

struct ModelArguments {
  std::filesystem::path config;
  std::vector<std::string> sets;
  std::string labels = "cityscapes19";
  std::string size = "512x512";
  bool json = false;
};

struct Size {
  std::int64_t height, width;
};

Size parse_size(const std::string& text) {
  Size size{};
  int end = 0;
  const int read = std::sscanf(text.c_str(), "%ldx%ld%n", &size.height, &size.width, &end);
  if (read != 2 || static_cast<std::size_t>(end) != text.size() || size.height < 1 ||
      size.width < 1 || size.height > 16384 || size.width > 16384) {
    fail<ConfigError>("--size {}: need HEIGHTxWIDTH in pixels, such as 512x1024", text);
  }
  return size;
}

/// Sums of rows.
struct Sums {
  std::int64_t parameters = 0;
  std::int64_t multiply_adds = 0;

  void add(const LayerRow& row) {
    parameters += row.parameters;
    multiply_adds += row.multiply_adds;
  }
};

/// By the first part of the layers' names: backbone, head, ...
std::vector<std::pair<std::string, Sums>> sums_of_parts(const std::vector<LayerRow>& rows) {
  std::vector<std::pair<std::string, Sums>> parts;
  for (const LayerRow& row : rows) {
    const std::string part = row.name.substr(0, row.name.find('.'));
    if (parts.empty() || parts.back().first != part) parts.push_back({part, {}});
    parts.back().second.add(row);
  }
  return parts;
}

Sums sums_of(const std::vector<LayerRow>& rows) {
  Sums sums;
  for (const LayerRow& row : rows) sums.add(row);
  return sums;
}

/// 1234567 -> "1,234,567".
std::string grouped(std::int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

void print(const std::vector<LayerRow>& rows) {
  std::size_t width = 0;
  for (const LayerRow& row : rows) width = std::max(width, row.name.size());
  const auto line = [width](std::string_view name, std::string_view output,
                            std::string_view parameters, std::string_view multiply_adds) {
    std::cout << fmt::format("{:<{}}  {:>18}  {:>12}  {:>18}\n", name, width, output, parameters,
                             multiply_adds);
  };
  const auto line_of_sums = [&line](std::string_view name, const Sums& sums) {
    line(name, "", grouped(sums.parameters), grouped(sums.multiply_adds));
  };
  line("layer", "output", "parameters", "multiply-adds");
  for (const LayerRow& row : rows) {
    line(row.name, row.output.empty() ? "not used" : fmt::format("{}", fmt::join(row.output, "x")),
         grouped(row.parameters), grouped(row.multiply_adds));
  }
  std::cout << '\n';
  for (const auto& [part, sums] : sums_of_parts(rows)) line_of_sums(part, sums);
  line_of_sums("total", sums_of(rows));
}

nlohmann::json to_json(const std::vector<LayerRow>& rows) {
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerRow& row : rows) {
    layers.push_back({{"name", row.name},
                      {"output", row.output},
                      {"parameters", row.parameters},
                      {"multiply_adds", row.multiply_adds}});
  }
  const Sums sums = sums_of(rows);
  return {
      {"parameters", sums.parameters}, {"multiply_adds", sums.multiply_adds}, {"layers", layers}};
}

void show_model(const ModelArguments& arguments) {
  const auto config = read<RunConfig>(load_config(arguments.config, arguments.sets));
  const Size size = parse_size(arguments.size);
  SegmenterOptions options = config.model;
  options.bn_mode = BatchNormMode::train;  // as layer_table wants it, and row-major
  options.channels_last = false;
  const auto network = make_segmenter(options, label_space(arguments.labels).size(),
                                      {.seed = kNoInitialValues, .load_weights = false});
  const at::Tensor image = at::zeros({1, 3, size.height, size.width});
  const auto rows = layer_table(*network, [&] { network->segment(image); });
  if (arguments.json) {
    std::cout << to_json(rows).dump() << '\n';
  } else {
    print(rows);
  }
}

}  // namespace

void add_model(CLI::App& app, Program& /*program*/) {
  auto* command = app.add_subcommand(
      "model", "Lists the layers of a network with their parameters and multiply-adds");
  auto arguments = std::make_shared<ModelArguments>();
  command->add_option("config", arguments->config, "YAML file of a run, or of configs/models")
      ->required();
  command->add_option("--set", arguments->sets, "overrides a value: key.subkey=value")
      ->allow_extra_args(false);
  command->add_option("--labels", arguments->labels, "label space that is predicted")
      ->capture_default_str();
  command->add_option("--size", arguments->size, "of the picture, HEIGHTxWIDTH")
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "one JSON object on standard output");
  command->footer(
      "Multiply-adds are those of convolutions and linear layers in one forward pass of one\n"
      "picture, which is really computed.\n"
      "Example:\n  dusk model configs/models/pspnet_resnet101.yaml --size 512x1024");
  command->callback([arguments] { show_model(*arguments); });
}

}  // namespace dusk::launch
