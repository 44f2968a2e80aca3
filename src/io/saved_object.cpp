#include "io/saved_object.hpp"

#include <array>
#include <cstring>
#include <map>
#include <memory>

#include "dusk/base/error.hpp"
#include "dusk/base/text.hpp"
#include "dusk/io/zip.hpp"
#include "io/byte_reader.hpp"
#include "io/zip_format.hpp"

namespace dusk {
namespace {

constexpr std::string_view kPickleName = "/data.pkl";

/// The number 0x1950a86a20f9469cfc6c as a pickle of protocol 2: how every plain stream begins.
constexpr std::array<unsigned char, 15> kStreamStart = {
    0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
constexpr std::int64_t kStreamVersion = 1001;

struct StorageType {
  std::string_view name;
  DType dtype;
};
constexpr std::array<StorageType, 10> kStorageTypes = {{{"ByteStorage", DType::u8},
                                                        {"CharStorage", DType::i8},
                                                        {"ShortStorage", DType::i16},
                                                        {"IntStorage", DType::i32},
                                                        {"LongStorage", DType::i64},
                                                        {"HalfStorage", DType::f16},
                                                        {"BFloat16Storage", DType::bf16},
                                                        {"FloatStorage", DType::f32},
                                                        {"DoubleStorage", DType::f64},
                                                        {"BoolStorage", DType::boolean}}};

DType dtype_of_storage(const PickleValue& type, const std::string& origin) {
  const PickleNode* global = as_node(type, PickleNode::Kind::global);
  for (const auto& [name, dtype] : kStorageTypes) {
    if (global != nullptr && global->module == "torch" && global->name == name) return dtype;
  }
  fail<DataError>("{}: a storage of type {}, which is not supported", origin, kind_text(type));
}

std::string_view text_value(const PickleValue& value, const std::string& origin) {
  const auto* text = std::get_if<std::string_view>(&value);
  if (text == nullptr) fail<DataError>("{}: {} instead of a text", origin, kind_text(value));
  return *text;
}

/// NAME of NAME/data.pkl; the folder is called like the file when it was saved.
std::string archive_name(const ZipArchive& archive, const std::string& origin) {
  for (const ZipEntry& entry : archive.entries()) {
    if (!entry.name.ends_with(kPickleName)) continue;
    std::string name = entry.name.substr(0, entry.name.size() - kPickleName.size());
    if (name.find('/') == std::string::npos) return name;
  }
  fail<DataError>("{}: a zip archive without NAME{}, so not of torch.save", origin, kPickleName);
}

void check_archive(const ZipArchive& archive, const std::string& name, const std::string& origin) {
  if (archive.find(name + "/constants.pkl") != nullptr) {
    fail<DataError>(
        "{} is a TorchScript archive; save its tensors in Python: "
        "torch.save(torch.jit.load(file).state_dict(), other_file)",
        origin);
  }
  const ZipEntry* order = archive.find(name + "/byteorder");
  if (order == nullptr) return;
  const auto text = archive.read(*order);
  if (std::string_view(reinterpret_cast<const char*>(text.data()), text.size()) != "little") {
    fail<DataError>("{}: numbers are not little-endian", origin);
  }
}

}  // namespace

std::string_view storage_type_name(DType dtype) {
  for (const auto& [name, candidate] : kStorageTypes) {
    if (candidate == dtype) return name;
  }
  fail<InternalError>("unknown element type");
}

bool is_torch_archive(std::span<const std::byte> bytes) noexcept {
  constexpr std::array<unsigned char, 4> kStart = {'P', 'K', 3, 4};
  return bytes.size() >= kStart.size() && std::memcmp(bytes.data(), kStart.data(), 4) == 0;
}

bool is_torch_stream(std::span<const std::byte> bytes) noexcept {
  return bytes.size() >= kStreamStart.size() &&
         std::memcmp(bytes.data(), kStreamStart.data(), kStreamStart.size()) == 0;
}

std::uint64_t size_value(const PickleValue& value, const std::string& origin) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr) {
    fail<DataError>("{}: {} instead of a whole number", origin, kind_text(value));
  }
  if (*number < 0) fail<DataError>("{}: {} instead of a number >= 0", origin, *number);
  return static_cast<std::uint64_t>(*number);
}

std::optional<StorageId> parse_storage_id(const PickleNode& persistent, const std::string& origin) {
  const PickleNode* id = as_node(persistent.arguments, PickleNode::Kind::tuple);
  if (id == nullptr || id->items.empty()) {
    fail<DataError>("{}: a persistent id of another kind than those of torch.save", origin);
  }
  if (text_value(id->items[0], origin) != "storage") return std::nullopt;
  if (id->items.size() != 5 && id->items.size() != 6) {
    fail<DataError>("{}: a storage with {} fields", origin, id->items.size());
  }
  StorageId storage;
  storage.dtype = dtype_of_storage(id->items[1], origin);
  storage.key = text_value(id->items[2], origin);
  storage.elements = size_value(id->items[4], origin);
  storage.view_elements = storage.elements;
  const PickleNode* view =
      id->items.size() == 6 ? as_node(id->items[5], PickleNode::Kind::tuple) : nullptr;
  if (view == nullptr) return storage;
  if (view->items.size() != 3) {
    fail<DataError>("{}: a view of a storage with {} fields", origin, view->items.size());
  }
  storage.view_begin = size_value(view->items[1], origin);
  storage.view_elements = size_value(view->items[2], origin);
  if (storage.view_begin > storage.elements ||
      storage.view_elements > storage.elements - storage.view_begin) {
    fail<DataError>("{}: a view beyond its storage of {} elements", origin, storage.elements);
  }
  return storage;
}

SavedObject open_torch_archive(std::span<const std::byte> bytes, const std::string& origin) {
  const auto archive = std::make_shared<const ZipArchive>(bytes, origin);
  const std::string name = archive_name(*archive, origin);
  check_archive(*archive, name, origin);
  const std::string pickle_name = name + std::string(kPickleName);
  SavedObject saved;
  saved.pickle = parse_pickle(archive->read(*archive->find(pickle_name)),
                              fmt::format("{}: {}", origin, pickle_name));
  saved.storage = [archive, name, origin,
                   verified = std::map<std::string, std::span<const std::byte>, std::less<>>()](
                      std::string_view key) mutable {
    const auto known = verified.find(key);
    if (known != verified.end()) return known->second;
    const ZipEntry* entry = archive->find(fmt::format("{}/data/{}", name, key));
    if (entry == nullptr) fail<DataError>("{}: storage {} is missing", origin, in_quotes(key));
    return verified.emplace(key, archive->read(*entry)).first->second;
  };
  return saved;
}

SavedObject open_torch_stream(std::span<const std::byte> bytes, const std::string& origin) {
  std::size_t at = 0;
  const auto next = [&] {
    Pickle pickle = parse_pickle(bytes.subspan(at), origin);
    at += pickle.size;
    return pickle;
  };
  (void)next();  // the number that is_torch_stream has seen
  const PickleValue version = next().root;
  const auto* number = std::get_if<std::int64_t>(&version);
  if (number == nullptr || *number != kStreamVersion) {
    fail<DataError>("{}: a stream of torch.save of another version than {}", origin,
                    kStreamVersion);
  }
  const Pickle system = next();
  const PickleNode* facts = as_node(system.root, PickleNode::Kind::dict);
  const PickleValue* little = facts == nullptr ? nullptr : find_entry(*facts, "little_endian");
  const bool* is_little = little == nullptr ? nullptr : std::get_if<bool>(little);
  if (is_little == nullptr || !*is_little) {
    fail<DataError>("{}: numbers are not little-endian", origin);
  }
  SavedObject saved;
  saved.pickle = next();
  std::map<std::string_view, StorageId> ids;
  for (const PickleNode& node : saved.pickle.nodes) {
    if (node.kind != PickleNode::Kind::persistent) continue;
    const auto id = parse_storage_id(node, origin);
    if (id) ids.emplace(id->key, *id);
  }
  const Pickle keys = next();
  const PickleNode* list = as_node(keys.root, PickleNode::Kind::list);
  if (list == nullptr) fail<DataError>("{}: no list of storages", origin);
  ByteReader in(bytes, origin);
  in.move_to(at);
  std::map<std::string_view, std::span<const std::byte>> storages;
  for (const PickleValue& value : list->items) {
    const std::string_view key = text_value(value, origin);
    const auto id = ids.find(key);
    if (id == ids.end()) fail<DataError>("{}: storage {} of no tensor", origin, in_quotes(key));
    if (in.number<std::uint64_t>() != id->second.elements) {
      fail<DataError>("{}: storage {} has two sizes", origin, in_quotes(key));
    }
    const std::span<const std::byte> rest = bytes.subspan(in.position());
    const std::uint64_t size = size_of(id->second.dtype);
    if (id->second.elements > rest.size() / size) {
      fail<DataError>("{}: storage {} of {} elements in {} bytes (truncated?)", origin,
                      in_quotes(key), id->second.elements, rest.size());
    }
    storages.emplace(key, in.take(id->second.elements * size));
  }
  saved.storage = [storages = std::move(storages), origin](std::string_view key) {
    const auto found = storages.find(key);
    if (found == storages.end()) {
      fail<DataError>("{}: storage {} is missing", origin, in_quotes(key));
    }
    return found->second;
  };
  return saved;
}

}  // namespace dusk
