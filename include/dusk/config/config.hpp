#pragma once

/// Typed configurations from YAML.
///
/// A layer describes its options beside their struct, without including this layer:
///
///     struct SgdOptions { double lr = 0.02; std::optional<double> clip; };
///     template <class V> void describe(V& v, SgdOptions& o) {
///       v.field("lr", o.lr, "peak learning rate", positive);
///       v.field("clip", o.clip, "largest norm of the gradient", positive);
///     }
///
/// and a program reads, prints and compares the whole:
///
///     const ConfigTree tree = load_config("configs/experiments/night.yaml", {"optim.lr=0.01"});
///     const auto config = read<RunConfig>(tree);    // ConfigError with file, line and suggestion
///     publish(run / "config.yaml", dump(config, &tree));

#include "dusk/config/config_node.hpp"       // IWYU pragma: export
#include "dusk/config/config_reader.hpp"     // IWYU pragma: export
#include "dusk/config/config_reference.hpp"  // IWYU pragma: export
#include "dusk/config/config_tree.hpp"       // IWYU pragma: export
#include "dusk/config/config_writer.hpp"     // IWYU pragma: export
