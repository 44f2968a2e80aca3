#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dusk/io/dtype.hpp"
#include "dusk/io/pickle.hpp"

namespace dusk {

/// What `torch.save` has written, before it is understood: the pickled object, and the bytes of the
/// storages that its persistent ids name. Texts and bytes are views of the file.
struct SavedObject {
  Pickle pickle;
  /// The whole storage of that key; `DataError` where it is absent or damaged.
  std::function<std::span<const std::byte>(std::string_view key)> storage;
};

/// A zip archive (since PyTorch 1.6): NAME/data.pkl, NAME/data/KEY, NAME/byteorder.
[[nodiscard]] SavedObject open_torch_archive(std::span<const std::byte> bytes,
                                             const std::string& origin);

/// A plain stream (before 1.6): five pickles, then the storages, each behind its element count.
[[nodiscard]] SavedObject open_torch_stream(std::span<const std::byte> bytes,
                                            const std::string& origin);

[[nodiscard]] bool is_torch_archive(std::span<const std::byte> bytes) noexcept;
[[nodiscard]] bool is_torch_stream(std::span<const std::byte> bytes) noexcept;

/// A persistent id: which elements of which storage. Files of before 1.0 have views of storages.
struct StorageId {
  DType dtype = DType::f32;
  std::string_view key;
  std::uint64_t elements = 0;  ///< of the whole storage
  std::uint64_t view_begin = 0;
  std::uint64_t view_elements = 0;
};

/// Nothing for ids of other things (source texts of modules). A `DataError` that begins with
/// `origin` for what is malformed and for element types that `DType` lacks.
[[nodiscard]] std::optional<StorageId> parse_storage_id(const PickleNode& persistent,
                                                        const std::string& origin);

/// The class in Python's module torch whose storages have these elements: "FloatStorage".
[[nodiscard]] std::string_view storage_type_name(DType dtype);

/// A whole number >= 0 of the pickle, or a `DataError` that begins with `origin`.
[[nodiscard]] std::uint64_t size_value(const PickleValue& value, const std::string& origin);

}  // namespace dusk
