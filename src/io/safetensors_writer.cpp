#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/io/safetensors.hpp"
#include "io/tensor_size.hpp"

namespace dusk {
namespace {

using nlohmann::json;

constexpr const char* kMetadata = "__metadata__";
constexpr std::size_t kAlignment = 8;  // the largest element, so that every tensor is aligned

/// The bytes that a tensor must come with.
std::uint64_t need_bytes(const TensorSpec& spec) {
  const auto bytes = bytes_of(spec.dtype, spec.shape);
  if (!bytes) fail<InternalError>("tensor '{}' has a negative extent or is too large", spec.name);
  return *bytes;
}

/// The order of the data: falling element size, then name.
std::vector<std::size_t> data_order(std::span<const TensorSpec> specs) {
  std::vector<std::size_t> order(specs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const std::size_t size_a = size_of(specs[a].dtype);
    const std::size_t size_b = size_of(specs[b].dtype);
    return size_a != size_b ? size_a > size_b : specs[a].name < specs[b].name;
  });
  return order;
}

void check_names(std::span<const TensorSpec> specs) {
  std::set<std::string_view> names{kMetadata};
  for (const TensorSpec& spec : specs) {
    if (spec.name.empty() || !names.insert(spec.name).second) {
      fail<InternalError>("tensor name '{}' is empty, reserved or used twice", spec.name);
    }
  }
}

/// In the order of the data, without spaces: the very bytes of the reference implementation.
std::string make_header(std::span<const TensorSpec> specs, std::span<const std::size_t> order,
                        const TensorMetadata& metadata) {
  std::vector<std::string> members;
  if (!metadata.empty()) {
    members.push_back(fmt::format("\"{}\":{}", kMetadata, json(metadata).dump()));
  }
  std::uint64_t offset = 0;
  for (const std::size_t index : order) {
    const TensorSpec& spec = specs[index];
    const std::uint64_t end = offset + need_bytes(spec);
    members.push_back(fmt::format(R"({}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})",
                                  json(spec.name).dump(), name_of(spec.dtype),
                                  json(spec.shape).dump(), offset, end));
    offset = end;
  }
  std::string text = fmt::format("{{{}}}", fmt::join(members, ","));
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  return text;
}

/// Hashes what it writes, for the manifest.
class HashedFile {
 public:
  explicit HashedFile(const std::filesystem::path& path) : file_(path) {}

  void write(std::span<const std::byte> bytes) {
    file_.write(bytes);
    hasher_.update(bytes);
    size_ += bytes.size();
  }

  WrittenFile publish() {
    file_.publish();
    return {.size = Bytes{size_}, .checksum = hasher_.digest()};
  }

 private:
  PendingFile file_;
  Hasher hasher_;
  std::size_t size_ = 0;
};

}  // namespace

WrittenFile write_safetensors(const std::filesystem::path& path, std::span<const TensorSpec> specs,
                              const TensorMetadata& metadata, const TensorSource& source) {
  check_names(specs);
  const std::vector<std::size_t> order = data_order(specs);
  std::string header;
  try {
    header = make_header(specs, order, metadata);
  } catch (const json::exception& error) {
    fail<InternalError>("tensor names and metadata must be UTF-8: {}", error.what());
  }
  std::array<std::byte, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<std::byte>((header.size() >> (8 * i)) & 0xFFU);
  }
  HashedFile file(path);
  file.write(length);
  file.write(std::as_bytes(std::span(header)));
  for (const std::size_t index : order) {
    const std::span<const std::byte> bytes = source(index);
    if (bytes.size() != need_bytes(specs[index])) {
      fail<InternalError>("tensor '{}' came with {} bytes, its shape has {}", specs[index].name,
                          bytes.size(), need_bytes(specs[index]));
    }
    file.write(bytes);
  }
  return file.publish();
}

WrittenFile write_safetensors(const std::filesystem::path& path,
                              std::span<const TensorRecord> tensors,
                              const TensorMetadata& metadata) {
  std::vector<TensorSpec> specs;
  specs.reserve(tensors.size());
  for (const TensorRecord& tensor : tensors) {
    specs.push_back({.name = tensor.name, .dtype = tensor.dtype, .shape = tensor.shape});
  }
  return write_safetensors(path, specs, metadata,
                           [&](std::size_t index) { return tensors[index].bytes; });
}

}  // namespace dusk
