#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "dusk/base/error.hpp"
#include "dusk/base/text.hpp"
#include "dusk/io/torch_file.hpp"
#include "io/saved_object.hpp"
#include "io/tensor_size.hpp"

namespace dusk {
namespace {

using Kind = PickleNode::Kind;
using Entries = std::vector<std::pair<PickleValue, PickleValue>>;

constexpr std::uint64_t kMostShares = 8;  // tensors may share bytes, but not without end
constexpr std::size_t kDeepestPart = 8;
constexpr std::array<std::string_view, 5> kWrappers = {"state_dict", "model_state_dict", "model",
                                                       "net", "network"};

bool is_call_of(const PickleNode& call, std::string_view module, std::string_view name) {
  const PickleNode* callee = as_node(call.callee, Kind::global);
  return callee != nullptr && callee->module == module && callee->name == name;
}

/// Keys and values of a dict or an OrderedDict; nothing for other values. Python 2 gave the latter
/// its entries as an argument: a list of lists of two.
std::optional<Entries> dict_entries(const PickleValue& value) {
  if (const PickleNode* dict = as_node(value, Kind::dict)) return dict->entries;
  const PickleNode* call = as_node(value, Kind::call);
  if (call == nullptr || !is_call_of(*call, "collections", "OrderedDict")) return std::nullopt;
  Entries entries = call->entries;
  const PickleNode* arguments = as_node(call->arguments, Kind::tuple);
  if (arguments == nullptr || arguments->items.empty()) return entries;
  const PickleNode* pairs = as_node(arguments->items[0], Kind::list);
  if (pairs == nullptr) return entries;
  for (const PickleValue& item : pairs->items) {
    const PickleNode* pair = as_node(item, Kind::list);
    if (pair != nullptr && pair->items.size() == 2) {
      entries.emplace_back(pair->items[0], pair->items[1]);
    }
  }
  return entries;
}

std::string key_text(const PickleValue& key) {
  if (const auto* text = std::get_if<std::string_view>(&key)) return printable(*text);
  if (const auto* number = std::get_if<std::int64_t>(&key)) return std::to_string(*number);
  return kind_text(key);
}

/// True for everything that PyTorch makes a tensor or a parameter of.
bool is_tensor(const PickleValue& value) {
  const PickleNode* call = as_node(value, Kind::call);
  const PickleNode* callee = call == nullptr ? nullptr : as_node(call->callee, Kind::global);
  return callee != nullptr && callee->module.starts_with("torch") &&
         callee->name.starts_with("_rebuild_");
}

std::string entry_text(const std::pair<PickleValue, PickleValue>& entry) {
  return fmt::format("{} ({})", key_text(entry.first),
                     is_tensor(entry.second) ? "tensor" : kind_text(entry.second));
}

/// The call that makes a plain tensor. A parameter is a tensor with a flag; the other kinds
/// (quantised, sparse, subclasses) are refused, since a network would miss them.
const PickleNode& tensor_call(const PickleValue& value, const std::string& what) {
  const PickleNode* call = as_node(value, Kind::call);
  if (is_call_of(*call, "torch._utils", "_rebuild_parameter") ||
      is_call_of(*call, "torch._utils", "_rebuild_parameter_with_state")) {
    const PickleNode* arguments = as_node(call->arguments, Kind::tuple);
    if (arguments == nullptr || arguments->items.empty() || !is_tensor(arguments->items[0])) {
      fail<DataError>("{}: a parameter without a tensor", what);
    }
    call = as_node(arguments->items[0], Kind::call);
  }
  if (!is_call_of(*call, "torch._utils", "_rebuild_tensor_v2") &&
      !is_call_of(*call, "torch._utils", "_rebuild_tensor")) {
    fail<DataError>("{} is made by {}, which is not supported", what, kind_text(call->callee));
  }
  return *call;
}

struct Layout {
  std::uint64_t offset = 0;  ///< of the first element in the storage
  std::vector<std::int64_t> shape;
  std::vector<std::uint64_t> strides;  ///< in elements

  [[nodiscard]] bool is_row_major() const {
    std::uint64_t expected = 1;
    for (std::size_t i = shape.size(); i > 0; --i) {
      if (shape[i - 1] != 1 && strides[i - 1] != expected) return false;
      expected *= static_cast<std::uint64_t>(shape[i - 1]);
    }
    return true;
  }

  /// Whether each element lies in a storage of so many; the tensor is not empty.
  [[nodiscard]] bool fits(std::uint64_t elements) const {
    if (offset >= elements) return false;
    std::uint64_t left = elements - offset - 1;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const auto steps = static_cast<std::uint64_t>(shape[i] - 1);
      if (steps > 0 && strides[i] > left / steps) return false;
      left -= steps * strides[i];
    }
    return true;
  }
};

std::vector<std::uint64_t> sizes_of(const PickleValue& value, const std::string& what) {
  const PickleNode* tuple = as_node(value, Kind::tuple);
  if (tuple == nullptr || tuple->items.size() > kMostDimensions) {
    fail<DataError>("{} has a shape that is no tuple of at most {} numbers", what, kMostDimensions);
  }
  std::vector<std::uint64_t> sizes;
  for (const PickleValue& item : tuple->items) sizes.push_back(size_value(item, what));
  return sizes;
}

/// The elements in row-major order.
std::vector<std::byte> reordered(const Layout& layout, std::span<const std::byte> storage,
                                 std::size_t element, std::uint64_t bytes) {
  std::vector<std::byte> result(bytes);
  std::vector<std::int64_t> index(layout.shape.size());
  std::uint64_t from = layout.offset;
  for (std::size_t to = 0; to < result.size(); to += element) {
    std::memcpy(&result[to], &storage[from * element], element);
    for (std::size_t i = index.size(); i > 0; --i) {
      from += layout.strides[i - 1];
      if (++index[i - 1] < layout.shape[i - 1]) break;
      from -= layout.strides[i - 1] * static_cast<std::uint64_t>(layout.shape[i - 1]);
      index[i - 1] = 0;
    }
  }
  return result;
}

}  // namespace

/// Fills a `TorchFile`.
class TorchReader {
 public:
  TorchReader(TorchFile& file, std::span<const std::byte> bytes)
      : file_(file),
        origin_(file.path().string()),
        budget_(kMostShares * bytes.size()),
        saved_(is_torch_archive(bytes) ? open_torch_archive(bytes, origin_)
                                       : open_torch_stream(bytes, origin_)) {}

  void read(std::string_view part) {
    for (const auto& entry : choose(part)) {
      const auto* name = std::get_if<std::string_view>(&entry.first);
      if (name == nullptr || !is_tensor(entry.second)) {
        pass_over(entry);
        continue;
      }
      const std::string what = fmt::format("{}: tensor {}", origin_, in_quotes(*name));
      if (name->empty() || first_bad_byte(*name)) fail<DataError>("{} is no proper name", what);
      file_.tensors_.push_back(tensor(std::string(*name), tensor_call(entry.second, what), what));
    }
    std::ranges::sort(file_.tensors_, {}, &TensorRecord::name);
    const auto twice = std::ranges::adjacent_find(file_.tensors_, {}, &TensorRecord::name);
    if (twice != file_.tensors_.end()) {
      fail<DataError>("{}: tensor '{}' occurs twice", origin_, twice->name);
    }
  }

 private:
  void pass_over(const std::pair<PickleValue, PickleValue>& entry) {
    file_.passed_over_.push_back(entry_text(entry));
  }

  /// The entries of the dictionary that is meant.
  Entries choose(std::string_view part) {
    std::optional<Entries> entries = dict_entries(saved_.pickle.root);
    if (!entries) {
      fail<DataError>(
          "{} holds a {}, not a dictionary of tensors; for a whole model save its tensors in "
          "Python: torch.save(torch.load(file, weights_only=False).state_dict(), other_file)",
          origin_, kind_text(saved_.pickle.root));
    }
    for (std::size_t depth = 0; depth < kDeepestPart; ++depth) {
      const std::string_view wanted = part.substr(0, part.find('/'));
      const std::span<const std::string_view> keys =
          part.empty() ? std::span<const std::string_view>(kWrappers) : std::span(&wanted, 1);
      const Inner inner = find_inner(*entries, keys);
      if (!inner.entries) {
        if (part.empty() && has_tensors(*entries)) return *entries;
        refuse_choice(*entries, wanted);
      }
      for (std::size_t i = 0; i < entries->size(); ++i) {
        if (i != inner.position) pass_over((*entries)[i]);
      }
      part.remove_prefix(std::min(part.size(), wanted.size() + 1));
      entries = inner.entries;
    }
    fail<DataError>("{}: dictionaries more than {} deep", origin_, kDeepestPart);
  }

  static bool has_tensors(const Entries& entries) {
    return std::ranges::any_of(entries, [](const auto& entry) { return is_tensor(entry.second); });
  }

  /// A dictionary within one, and its position there.
  struct Inner {
    std::size_t position = 0;
    std::optional<Entries> entries;
  };

  /// That under the first of `keys` that has one. It goes before tensors beside it: a checkpoint
  /// may hold its best score as a tensor, a state dictionary holds no dictionaries.
  static Inner find_inner(const Entries& entries, std::span<const std::string_view> keys) {
    for (const std::string_view key : keys) {
      for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto* text = std::get_if<std::string_view>(&entries[i].first);
        if (text == nullptr || *text != key) continue;
        if (auto inner = dict_entries(entries[i].second)) return {i, std::move(inner)};
      }
    }
    return {};
  }

  [[noreturn]] void refuse_choice(const Entries& entries, std::string_view wanted) const {
    constexpr std::size_t kShown = 20;
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < std::min(entries.size(), kShown); ++i) {
      parts.push_back(entry_text(entries[i]));
    }
    fail<ConfigError>("{}: {}; it has: {}{}", origin_,
                      wanted.empty() ? "no tensors in its outermost dictionary, choose a part of it"
                                     : fmt::format("no dictionary {}", in_quotes(wanted)),
                      fmt::join(parts, ", "), entries.size() > kShown ? ", ..." : "");
  }

  TensorRecord tensor(std::string name, const PickleNode& call, const std::string& what) {
    const PickleNode* arguments = as_node(call.arguments, Kind::tuple);
    const PickleNode* persistent = arguments == nullptr || arguments->items.size() < 4
                                       ? nullptr
                                       : as_node(arguments->items[0], Kind::persistent);
    const auto id = persistent == nullptr ? std::nullopt : parse_storage_id(*persistent, what);
    if (!id) fail<DataError>("{} has no storage", what);
    Layout layout{.offset = size_value(arguments->items[1], what),
                  .shape = {},
                  .strides = sizes_of(arguments->items[3], what)};
    for (const std::uint64_t size : sizes_of(arguments->items[2], what)) {
      layout.shape.push_back(static_cast<std::int64_t>(size));
    }
    if (layout.shape.size() != layout.strides.size()) {
      fail<DataError>("{} has {} sizes and {} strides", what, layout.shape.size(),
                      layout.strides.size());
    }
    TensorRecord record{.name = std::move(name), .dtype = id->dtype, .shape = {}, .bytes = {}};
    record.bytes = bytes(*id, layout, what);
    record.shape = std::move(layout.shape);
    return record;
  }

  std::span<const std::byte> bytes(const StorageId& id, const Layout& layout,
                                   const std::string& what) {
    const auto size = bytes_of(id.dtype, layout.shape);
    if (!size || *size > budget_) {
      fail<DataError>("{} of shape ({}) is too large for this file", what,
                      fmt::join(layout.shape, ", "));
    }
    budget_ -= *size;
    const std::size_t element = size_of(id.dtype);
    const std::span<const std::byte> whole = saved_.storage(id.key);
    if (whole.size() % element != 0 || whole.size() / element != id.elements) {
      fail<DataError>("{}: its storage of {} elements comes with {} bytes (truncated?)", what,
                      id.elements, whole.size());
    }
    if (*size == 0) return {};
    if (!layout.fits(id.view_elements)) {
      fail<DataError>("{} of shape ({}) lies outside of its storage", what,
                      fmt::join(layout.shape, ", "));
    }
    const auto storage = whole.subspan(id.view_begin * element, id.view_elements * element);
    if (layout.is_row_major()) return storage.subspan(layout.offset * element, *size);
    return file_.reordered_.emplace_back(reordered(layout, storage, element, *size));
  }

  TorchFile& file_;
  std::string origin_;
  std::uint64_t budget_;  ///< bytes that tensors may still have
  SavedObject saved_;
};

bool is_torch_file(std::span<const std::byte> bytes) noexcept {
  return is_torch_archive(bytes) || is_torch_stream(bytes);
}

TorchFile::TorchFile(const std::filesystem::path& path, std::string_view part)
    : TorchFile(MappedFile(path), part) {}

TorchFile::TorchFile(MappedFile file, std::string_view part) : TensorFile(std::move(file)) {
  if (!is_torch_file(file_.bytes())) {
    fail<DataError>("{} is no file of torch.save: neither a zip archive nor a stream",
                    path().string());
  }
  TorchReader(*this, file_.bytes()).read(part);
}

}  // namespace dusk
