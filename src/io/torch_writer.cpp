#include <algorithm>
#include <set>

#include "dusk/base/error.hpp"
#include "dusk/base/text.hpp"
#include "dusk/io/torch_file.hpp"
#include "dusk/io/zip.hpp"
#include "io/pickle_opcodes.hpp"
#include "io/saved_object.hpp"
#include "io/tensor_size.hpp"

namespace dusk {
namespace {

constexpr std::string_view kFolder = "archive";

/// Protocol 2, without remembering anything.
class PickleWriter {
 public:
  PickleWriter() { op(Opcode::proto).raw(2, 1); }

  PickleWriter& op(Opcode opcode) { return raw(static_cast<std::uint8_t>(opcode), 1); }

  PickleWriter& global(std::string_view module, std::string_view name) {
    op(Opcode::global);
    text_ += fmt::format("{}\n{}\n", module, name);
    return *this;
  }
  PickleWriter& text(std::string_view value) {
    op(Opcode::binunicode).raw(value.size(), 4);
    text_ += value;
    return *this;
  }
  /// Below 2^63.
  PickleWriter& integer(std::uint64_t value) {
    if (value < (1ULL << 31U)) return op(Opcode::binint).raw(value, 4);
    return op(Opcode::long1).raw(8, 1).raw(value, 8);
  }
  PickleWriter& tuple(std::span<const std::uint64_t> values) {
    op(Opcode::mark);
    for (const std::uint64_t value : values) integer(value);
    return op(Opcode::tuple);
  }

  [[nodiscard]] const std::string& bytes() const { return text_; }

 private:
  /// The `count` low bytes.
  PickleWriter& raw(std::uint64_t value, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      text_ += static_cast<char>((value >> (8 * i)) & 0xFFU);
    }
    return *this;
  }

  std::string text_;
};

/// torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())
void put_tensor(PickleWriter& out, const TensorRecord& tensor, std::size_t key) {
  std::vector<std::uint64_t> shape(tensor.shape.begin(), tensor.shape.end());
  std::vector<std::uint64_t> strides(shape.size());
  std::uint64_t stride = 1;
  for (std::size_t i = shape.size(); i > 0; --i) {
    strides[i - 1] = stride;
    stride *= std::max<std::uint64_t>(shape[i - 1], 1);  // as PyTorch: an empty extent counts as 1
  }
  out.global("torch._utils", "_rebuild_tensor_v2").op(Opcode::mark);
  out.op(Opcode::mark)
      .text("storage")
      .global("torch", storage_type_name(tensor.dtype))
      .text(std::to_string(key))
      .text("cpu")
      .integer(tensor.bytes.size() / size_of(tensor.dtype))
      .op(Opcode::tuple)
      .op(Opcode::binpersid);
  out.integer(0).tuple(shape).tuple(strides).op(Opcode::newfalse);
  out.global("collections", "OrderedDict").op(Opcode::empty_tuple).op(Opcode::reduce);
  out.op(Opcode::tuple).op(Opcode::reduce);
}

void check(std::span<const TensorRecord> tensors) {
  std::set<std::string_view> names;
  for (const TensorRecord& tensor : tensors) {
    if (tensor.name.empty() || first_bad_byte(tensor.name) || !names.insert(tensor.name).second) {
      fail<InternalError>("tensor name {} is empty, no UTF-8 or used twice",
                          in_quotes(tensor.name));
    }
    if (bytes_of(tensor.dtype, tensor.shape) != tensor.bytes.size()) {
      fail<InternalError>("tensor '{}' came with {} bytes, which do not fit its shape", tensor.name,
                          tensor.bytes.size());
    }
  }
}

}  // namespace

void write_torch(const std::filesystem::path& path, std::span<const TensorRecord> tensors) {
  check(tensors);
  PickleWriter pickle;
  pickle.global("collections", "OrderedDict").op(Opcode::empty_tuple).op(Opcode::reduce);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    pickle.text(tensors[i].name);
    put_tensor(pickle, tensors[i], i);
    pickle.op(Opcode::setitem);
  }
  pickle.op(Opcode::stop);

  ZipWriter zip(path);
  const auto add = [&](std::string_view name, auto bytes) {
    zip.add(fmt::format("{}/{}", kFolder, name), bytes);
  };
  add("data.pkl", std::string_view(pickle.bytes()));
  add("byteorder", std::string_view("little"));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    add(fmt::format("data/{}", i), tensors[i].bytes);
  }
  add("version", std::string_view("3\n"));
  zip.finish();
}

}  // namespace dusk
