#include "headers/source_rules.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <functional>
#include <span>

namespace dusk::lint {
namespace {

using Names = std::vector<std::string_view>;

struct Layer {
  std::string_view name;
  Names may_use;      ///< layers below, besides itself
  Names third_party;  ///< beginnings of <...> includes that this layer wraps
};

/// The table of layers, lowest first. `train` and `methods` may use all below them.
const std::vector<Layer>& layers() {
  static const Names torch = {"torch/", "ATen/", "c10/"};
  static const std::vector<Layer> table = {
      {"base", {}, {"spdlog/", "xxhash"}},
      {"config", {"base"}, {"yaml-cpp/"}},
      {"device", {"base"}, {"torch/", "ATen/", "c10/", "cuda", "nvtx3/"}},
      {"comm", {"base", "device"}, {"torch/", "ATen/", "c10/", "mpi", "nccl", "cuda", "nlohmann/"}},
      {"io", {"base"}, {"hdf5", "H5", "zstd", "nlohmann/"}},
      {"data", {"base", "device", "io"}, torch},
      {"nn", {"base", "device", "comm", "io"}, torch},
      {"loss", {"base", "comm"}, torch},
      {"optim", {"base", "device"}, torch},
      {"ddp", {"base", "device", "comm"}, torch},
      {"train",
       {"base", "config", "device", "comm", "io", "data", "nn", "loss", "optim", "ddp"},
       {"torch/", "ATen/", "c10/", "nlohmann/"}},
      {"methods",
       {"base", "config", "device", "comm", "io", "data", "nn", "loss", "optim", "ddp", "train"},
       torch},
      {"report", {"base", "io", "loss"}, {"opencv2/", "nlohmann/"}},
  };
  return table;
}

const Layer* find_layer(std::string_view name) {
  const auto found = std::find_if(layers().begin(), layers().end(),
                                  [&](const Layer& layer) { return layer.name == name; });
  return found == layers().end() ? nullptr : &*found;
}

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool starts_with_any(std::string_view text, const Names& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return text.starts_with(beginning); });
}

struct Include {
  int line = 0;
  bool quoted = false;  ///< "..." as opposed to <...>
  std::string_view path;
};

void for_each_line(std::string_view text, const std::function<void(int, std::string_view)>& call) {
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    call(line, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string_view without_spaces_before(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

std::vector<Include> includes_of(std::string_view text) {
  std::vector<Include> includes;
  for_each_line(text, [&](int line, std::string_view rest) {
    rest = without_spaces_before(rest);
    if (!rest.starts_with('#')) return;
    rest = without_spaces_before(rest.substr(1));
    if (!rest.starts_with("include")) return;
    rest = without_spaces_before(rest.substr(7));
    if (!rest.starts_with('"') && !rest.starts_with('<')) return;
    const bool quoted = rest.front() == '"';
    const std::size_t end = rest.find(quoted ? '"' : '>', 1);
    if (end != std::string_view::npos) includes.push_back({line, quoted, rest.substr(1, end - 1)});
  });
  return includes;
}

std::string_view first_part(std::string_view path) {
  return path.substr(0, path.find('/'));
}

bool is_public(std::string_view path) {
  return path.starts_with("include/");
}

/// What is wrong with including `path` from a file of `layer`; empty: nothing.
std::string layer_fault(const Layer& layer, bool from_public, std::string_view path) {
  const bool of_project = path.starts_with("dusk/");
  const std::string_view target = first_part(of_project ? path.substr(5) : path);
  if (target == "sharding" || target == "launch" || target == "tests" || target == "tools") {
    return fmt::format("{} is above all layers", target);
  }
  if (find_layer(target) == nullptr) {
    return of_project ? fmt::format("{} is no layer", target) : "";
  }
  if (target != layer.name && !contains(layer.may_use, target)) {
    return fmt::format("layer {} may not use {}", layer.name, target);
  }
  if (!of_project && target != layer.name) {
    return fmt::format("a private header of {}; use those in include/", target);
  }
  if (!of_project && from_public) return "a public header may not need a private one";
  return "";
}

/// Names that a public header takes from the standard headers within the precompiled header.
struct StandardName {
  std::string_view name;
  std::string_view header;
};
constexpr std::array<StandardName, 10> kStandardNames = {{{"std::map", "map"},
                                                          {"std::unique_ptr", "memory"},
                                                          {"std::shared_ptr", "memory"},
                                                          {"std::optional", "optional"},
                                                          {"std::span", "span"},
                                                          {"std::string", "string"},
                                                          {"std::vector", "vector"},
                                                          {"std::function", "functional"},
                                                          {"std::array", "array"},
                                                          {"std::string_view", "string_view"}}};

/// True where `line` uses exactly this name ("std::string" is not in "std::string_view").
bool uses(std::string_view line, std::string_view name) {
  const auto is_word = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  for (std::size_t at = line.find(name); at != std::string_view::npos;
       at = line.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if (end == line.size() || !is_word(line[end])) return true;
  }
  return false;
}

}  // namespace

std::string_view layer_of(std::string_view path) {
  for (const std::string_view root : {"include/dusk/", "src/"}) {
    if (path.starts_with(root)) return first_part(path.substr(root.size()));
  }
  return "";
}

Violations check_layers(const SourceFile& file) {
  const std::string_view name = layer_of(file.path);
  if (name.empty()) return {};
  const Layer* layer = find_layer(name);
  if (layer == nullptr) return {fmt::format("{}:1: {} is no layer of the table", file.path, name)};
  Violations violations;
  for (const Include& include : includes_of(file.text)) {
    const bool ours = include.quoted || include.path.starts_with("dusk/");
    const std::string fault =
        ours ? layer_fault(*layer, is_public(file.path), include.path) : std::string();
    if (!fault.empty()) {
      violations.push_back(
          fmt::format("{}:{}: {}: {}", file.path, include.line, include.path, fault));
    }
  }
  return violations;
}

Violations check_third_party(const SourceFile& file) {
  Violations violations;
  const Layer* layer = find_layer(layer_of(file.path));
  for (const Include& include : includes_of(file.text)) {
    const auto refuse = [&](std::string_view why) {
      violations.push_back(
          fmt::format("{}:{}: <{}>: {}", file.path, include.line, include.path, why));
    };
    if (include.path == "torch/torch.h" || include.path == "torch/all.h") {
      refuse("costs 10 s and 1 GB a file; include what is used");
    } else if (layer != nullptr && !starts_with_any(include.path, layer->third_party)) {
      for (const Layer& other : layers()) {
        if (!include.quoted && starts_with_any(include.path, other.third_party)) {
          refuse(fmt::format("no header for layer {}", layer->name));
          break;
        }
      }
    }
  }
  return violations;
}

Violations check_environment(const SourceFile& file) {
  // The second one hands it on to the programs that it starts.
  if (file.path == "src/base/environment.cpp" || file.path == "src/base/process.cpp" ||
      file.path.starts_with("tests/")) {
    return {};
  }
  Violations violations;
  for_each_line(file.text, [&](int line, std::string_view text) {
    if (uses(text, "getenv") || uses(text, "setenv") || uses(text, "environ")) {
      violations.push_back(fmt::format(
          "{}:{}: environment variables are read by Environment::read() only", file.path, line));
    }
  });
  return violations;
}

Violations check_length(const SourceFile& file) {
  constexpr int kMostLines = 500;
  int lines = 0;
  for_each_line(file.text, [&](int line, std::string_view) { lines = line; });
  if (lines <= kMostLines) return {};
  return {fmt::format("{}:{}: {} lines, at most {}", file.path, kMostLines + 1, lines, kMostLines)};
}

Violations check_standard_headers(const SourceFile& file) {
  if (!is_public(file.path)) return {};
  const std::vector<Include> includes = includes_of(file.text);
  Violations violations;
  for (const StandardName& standard : kStandardNames) {
    const bool included =
        std::any_of(includes.begin(), includes.end(),
                    [&](const Include& include) { return include.path == standard.header; });
    bool reported = included;
    for_each_line(file.text, [&](int line, std::string_view text) {
      const bool comment = without_spaces_before(text).starts_with("//");
      if (reported || comment || !uses(text, standard.name)) return;
      reported = true;
      violations.push_back(fmt::format("{}:{}: {} without #include <{}>", file.path, line,
                                       standard.name, standard.header));
    });
  }
  return violations;
}

}  // namespace dusk::lint
