#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dusk/base/range.hpp"

namespace dusk::launch {

/// Scores that a paper printed for a node, in percent; 0: not printed.
struct PublishedScores {
  double miou = 0;
  double pixel_accuracy = 0;
  double class_accuracy = 0;
  double fw_iou = 0;
};

template <class Visitor>
void describe(Visitor& v, PublishedScores& o) {
  v.field("miou", o.miou, "mean IoU, percent", non_negative);
  v.field("pixel_accuracy", o.pixel_accuracy, "pixel accuracy, percent", non_negative);
  v.field("class_accuracy", o.class_accuracy, "class accuracy, percent", non_negative);
  v.field("fw_iou", o.fw_iou, "frequency-weighted IoU, percent", non_negative);
}

/// One command of a pipeline, as its file describes it.
struct NodeOptions {
  std::string run;
  std::map<std::string, std::string> outputs;
  std::vector<std::string> after;
  std::vector<std::string> inputs;
  int ranks = 0;
  PublishedScores published;
};

template <class Visitor>
void describe(Visitor& v, NodeOptions& o) {
  v.required("run", o.run,
             "a dusk command, words divided by blanks; ${here} is the node's own folder, ${NODE} "
             "that of another node, ${NODE.OUTPUT} a named output of it, ${NAME} a variable");
  v.field("outputs", o.outputs, "names of files and folders below ${here}");
  v.field("after", o.after, "nodes that must be done first though no word refers to them");
  v.field("inputs", o.inputs, "further files and sets of shards whose change makes the node stale");
  v.field("ranks", o.ranks, "ranks that run the command, 0: the pipeline's", non_negative);
  v.section("published", o.published, "what the paper printed, for the table");
}

/// A graph of dusk commands: what `dusk pipeline` reads.
struct PipelineSpec {
  std::string name = "pipeline";
  int ranks = 1;
  std::map<std::string, std::string> variables;
  std::map<std::string, NodeOptions> nodes;
};

template <class Visitor>
void describe(Visitor& v, PipelineSpec& o) {
  v.field("name", o.name, "title of the table");
  v.field("ranks", o.ranks, "ranks of a node that names none", at_least(1));
  v.field("variables", o.variables, "texts that words may refer to, for example folders of data");
  v.field("nodes", o.nodes, "commands by name");
}

/// A node whose words are whole and whose place in the order is known.
struct PipelineNode {
  std::string name;
  std::filesystem::path folder;    ///< OUTPUT/NAME, which `${here}` stands for
  std::vector<std::string> words;  ///< of the command, references replaced
  std::vector<std::size_t> needs;  ///< nodes that must be done first, all of them before this one
  int ranks = 1;
  PublishedScores published;
  /// Of the words (wherever OUTPUT is), of the files and sets that they name, and of the keys of
  /// `needs`: a node that is done under the same key need not run again.
  std::uint64_t key = 0;
};

/// The nodes in an order in which each stands behind what it needs; among those that are ready the
/// first by name comes first. `ConfigError` for a word that refers to nothing (what there is, is
/// listed), for names that stand for two things, and for nodes that need each other in a circle.
[[nodiscard]] std::vector<PipelineNode> plan_pipeline(const PipelineSpec& options,
                                                      const std::filesystem::path& output);

}  // namespace dusk::launch
