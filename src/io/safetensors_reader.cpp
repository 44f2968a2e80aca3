#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "dusk/base/error.hpp"
#include "dusk/io/safetensors.hpp"
#include "io/guarded_json.hpp"
#include "io/tensor_size.hpp"

namespace dusk {
namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the bound of the reference implementation

/// The text of the header; what follows it in the file are the tensors' bytes.
std::string_view header_text(std::span<const std::byte> file, const std::string& path) {
  if (file.size() < kLengthBytes) {
    fail<DataError>("{}: {} bytes are no safetensors file (truncated?)", path, file.size());
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
  }
  if (length > kLongestHeader || length > file.size() - kLengthBytes) {
    fail<DataError>(
        "{}: header of {} bytes in a file of {} bytes (truncated, or no safetensors file)", path,
        length, file.size());
  }
  return {reinterpret_cast<const char*>(file.data()) + kLengthBytes, length};
}

/// Where a tensor lies relative to the end of the header.
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Turns one entry of the header into a record; `what` names file and tensor in errors.
class EntryParser {
 public:
  EntryParser(std::string what, const json& entry) : what_(std::move(what)), entry_(entry) {
    if (!entry.is_object() || entry.size() != 3) {
      fail<DataError>("{}: expected an object of dtype, shape and data_offsets", what_);
    }
  }

  [[nodiscard]] DType dtype() const {
    const json& value = member("dtype");
    const auto dtype = value.is_string() ? parse_dtype(value.get_ref<const std::string&>())
                                         : std::optional<DType>();
    if (!dtype) fail<DataError>("{}: unknown dtype {}", what_, value.dump());
    return *dtype;
  }

  [[nodiscard]] std::vector<std::int64_t> shape() const {
    const json& value = member("shape");
    if (!value.is_array()) fail<DataError>("{}: shape is not a list", what_);
    std::vector<std::int64_t> shape;
    for (const json& extent : value) {
      const std::uint64_t size = number(extent, "shape");
      if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        fail<DataError>("{}: shape {} is too large", what_, value.dump());
      }
      shape.push_back(static_cast<std::int64_t>(size));
    }
    return shape;
  }

  /// Checks that the extent lies in `available` bytes and fits dtype and shape.
  [[nodiscard]] Extent extent(DType dtype, const std::vector<std::int64_t>& shape,
                              std::uint64_t available) const {
    const json& value = member("data_offsets");
    if (!value.is_array() || value.size() != 2) {
      fail<DataError>("{}: data_offsets is not a pair", what_);
    }
    const Extent extent{number(value[0], "data_offsets"), number(value[1], "data_offsets")};
    if (extent.begin > extent.end || extent.end > available) {
      fail<DataError>("{}: data_offsets [{}, {}] outside of {} bytes of data (truncated?)", what_,
                      extent.begin, extent.end, available);
    }
    if (bytes_of(dtype, shape) != extent.end - extent.begin) {
      fail<DataError>("{}: {} bytes of data do not fit dtype {} and shape {}", what_,
                      extent.end - extent.begin, name_of(dtype), member("shape").dump());
    }
    return extent;
  }

 private:
  [[nodiscard]] const json& member(const char* key) const {
    const auto found = entry_.find(key);
    if (found == entry_.end()) fail<DataError>("{}: '{}' is missing", what_, key);
    return *found;
  }

  [[nodiscard]] std::uint64_t number(const json& value, std::string_view key) const {
    if (!value.is_number_unsigned()) {
      fail<DataError>("{}: {} holds {}, expected a whole number >= 0", what_, key, value.dump());
    }
    return value.get<std::uint64_t>();
  }

  std::string what_;
  const json& entry_;
};

TensorMetadata parse_metadata(const json& entry, const std::string& path) {
  if (!entry.is_object()) fail<DataError>("{}: __metadata__ is not an object", path);
  TensorMetadata metadata;
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) fail<DataError>("{}: __metadata__.{} is not a string", path, key);
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

/// The tensors must tile the data: no hole, no overlap, nothing after the last.
void check_tiling(std::span<const TensorRecord> tensors, std::span<const std::byte> data,
                  const std::string& path) {
  std::vector<const TensorRecord*> by_place;
  by_place.reserve(tensors.size());
  for (const TensorRecord& tensor : tensors) by_place.push_back(&tensor);
  std::sort(by_place.begin(), by_place.end(), [](const TensorRecord* a, const TensorRecord* b) {
    return std::pair(a->bytes.data(), a->bytes.size()) <
           std::pair(b->bytes.data(), b->bytes.size());
  });
  const std::byte* expected = data.data();
  for (const TensorRecord* tensor : by_place) {
    if (tensor->bytes.data() != expected) {
      fail<DataError>("{}: tensor '{}' begins at byte {} of the data, {} was expected ({})", path,
                      tensor->name, tensor->bytes.data() - data.data(), expected - data.data(),
                      tensor->bytes.data() < expected ? "overlap" : "hole");
    }
    expected += tensor->bytes.size();
  }
  if (expected != data.data() + data.size()) {
    fail<DataError>("{}: {} bytes after the last tensor", path,
                    data.data() + data.size() - expected);
  }
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : SafetensorsFile(MappedFile(path)) {}

SafetensorsFile::SafetensorsFile(MappedFile file) : TensorFile(std::move(file)) {
  const std::string name = path().string();
  const std::string_view text = header_text(file_.bytes(), name);
  const std::span<const std::byte> data = file_.bytes().subspan(kLengthBytes + text.size());
  const json header =
      parse_guarded(text, name, {.depth = 3, .members = 1U << 20U, .elements = kMostDimensions});
  if (!header.is_object()) fail<DataError>("{}: the header is not a JSON object", name);
  for (const auto& [key, value] : header.items()) {
    if (key == "__metadata__") {
      metadata_ = parse_metadata(value, name);
      continue;
    }
    const EntryParser entry(fmt::format("{}: tensor '{}'", name, key), value);
    TensorRecord record{.name = key, .dtype = entry.dtype(), .shape = entry.shape(), .bytes = {}};
    const Extent extent = entry.extent(record.dtype, record.shape, data.size());
    record.bytes = data.subspan(extent.begin, extent.end - extent.begin);
    tensors_.push_back(std::move(record));
  }
  check_tiling(tensors_, data, name);
}

}  // namespace dusk
