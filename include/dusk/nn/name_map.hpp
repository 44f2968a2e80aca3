#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/range.hpp"
#include "dusk/io/tensor_file.hpp"

namespace dusk {

/// A name that matches `from` is changed to `to`. In both `*` stands for any run of characters, and
/// each `*` of `to` for what that of the same place in `from` has matched: "Scale.*.conv.*" ->
/// "*.conv.*". All but the last `*` match as little as possible.
struct NameRule {
  std::string from, to;
};

template <class Visitor>
void describe(Visitor& v, NameRule& o) {
  v.required("from", o.from, "name in the file, with * for any characters");
  v.required("to", o.to, "name in our network, with * for what the same * of 'from' has matched");
  v.check(std::ranges::count(o.to, '*') <= std::ranges::count(o.from, '*'), "to",
          "must not have more * than 'from'");
}

/// Tensors whose input channels (dimension 1) the authors' network takes in another order: in
/// `blocks` equal parts, the last one first.
struct BlockReversal {
  std::string name;
  std::int64_t blocks = 2;
};

template <class Visitor>
void describe(Visitor& v, BlockReversal& o) {
  v.required("name", o.name, "name in the file, with * for any characters");
  v.required("blocks", o.blocks, "equal parts of dimension 1, whose order is reversed",
             at_least(2));
}

/// What is known of a kind of published file: the YAML files configs/models/*.names.yaml.
struct NameMap {
  std::string about{};
  std::string part{};
  std::vector<std::string> drop{};
  std::vector<NameRule> rename{};
  std::vector<BlockReversal> reverse{};
};

template <class Visitor>
void describe(Visitor& v, NameMap& o) {
  v.field("about", o.about, "which files this is for");
  v.field("part", o.part, "dictionary of the checkpoint that holds the tensors, as 'a/b'");
  v.field("drop", o.drop, "names in the file that are left out, with * for any characters");
  v.field("rename", o.rename, "changes of the other names; the first that matches counts");
  v.field("reverse", o.reverse, "tensors whose input channels come in blocks in another order");
}

/// What each `*` of the pattern stands for in the name; nothing where they do not match. Takes time
/// proportional to the product of the lengths at most.
[[nodiscard]] std::optional<std::vector<std::string_view>> match_name(std::string_view pattern,
                                                                      std::string_view name);

/// True where one of the patterns matches.
[[nodiscard]] bool matches_any(const std::vector<std::string>& patterns, std::string_view name);

/// The name after the first rule that matches, or the name itself.
[[nodiscard]] std::string renamed(const std::vector<NameRule>& rules, std::string_view name);

/// "module." where all names begin with it, as those of Python's DataParallel and
/// DistributedDataParallel do; else empty.
[[nodiscard]] std::string_view wrapper_prefix(std::span<const TensorRecord> tensors);

/// Tensors on their way from a file to other names. Bytes belong to the file, those of a reversed
/// tensor to its item.
class MappedTensors {
 public:
  struct Item {
    TensorRecord tensor;
    std::string origin;                                        ///< its name in the file
    std::shared_ptr<const std::vector<std::byte>> reversed{};  ///< null: the file's bytes
  };

  /// Under their own names, without the `wrapper_prefix`.
  explicit MappedTensors(std::span<const TensorRecord> tensors);

  /// Drops all that do not begin with `prefix` and takes it off the others.
  void cut_prefix(std::string_view prefix);
  /// Drops, reverses and renames; all three go by the names before. `ConfigError` that names a
  /// tensor without a dimension 1 that the blocks divide.
  void apply(const NameMap& map);

  /// In the order of the file. `ConfigError` where two have the same name or none are left.
  [[nodiscard]] const std::vector<Item>& items() const;
  [[nodiscard]] std::vector<TensorRecord> tensors() const;
  /// Names in the file of what was left out.
  [[nodiscard]] const std::vector<std::string>& dropped() const noexcept { return dropped_; }

 private:
  void drop_if(const std::function<bool(const std::string& name)>& unwanted);

  std::vector<Item> items_;
  std::vector<std::string> dropped_;
};

}  // namespace dusk
