#include "io/hdf5_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "dusk/base/error.hpp"

namespace dusk::hdf5 {
namespace {

constexpr std::size_t kLargestAttribute = 1U << 20U;
constexpr unsigned kMostDimensions = 8;

/// HDF5 is one instance a process, so its lock is, too. Its clean-up at exit is not wanted: every
/// file is closed long before, and what is left of damaged ones makes it complain.
std::recursive_mutex& library_lock() {
  static std::recursive_mutex lock;
  [[maybe_unused]] static const herr_t no_cleanup = H5dont_atexit();
  return lock;
}

herr_t append_record(unsigned /*n*/, const H5E_error2_t* record, void* client) noexcept {
  auto& text = *static_cast<std::string*>(client);
  try {
    if (record->desc != nullptr && *record->desc != '\0') {
      if (!text.empty()) text += " < ";
      text += record->desc;
    }
  } catch (...) {
    return -1;
  }
  return 0;
}

/// What HDF5 would have printed, innermost cause first.
std::string library_text() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, &append_record, &text);
  return text.empty() ? "no reason given" : text;
}

/// Raises E unless `result` is a success (>= 0).
template <class E, class Result>
Result check(Result result, std::string_view path, std::string_view action) {
  if (result < 0) fail<E>("{}: cannot {}: HDF5: {}", path, action, library_text());
  return result;
}

template <class E>
Handle own(hid_t handle, std::string_view path, std::string_view action) {
  return Handle(check<E>(handle, path, action));
}

/// An attribute of an open file and what it holds. Lives within a `Session`.
class OpenAttribute {
 public:
  OpenAttribute(hid_t file, std::string_view path, const std::string& name)
      : path_(path),
        action_(fmt::format("read attribute '{}'", name)),
        attribute_(own<DataError>(H5Aopen(file, name.c_str(), H5P_DEFAULT), path_, action_)),
        type_(own<DataError>(H5Aget_type(attribute_.get()), path_, action_)) {
    const Handle space = own<DataError>(H5Aget_space(attribute_.get()), path_, action_);
    count_ = static_cast<std::size_t>(
        check<DataError>(H5Sget_simple_extent_npoints(space.get()), path_, action_));
  }

  [[nodiscard]] hid_t type() const { return type_.get(); }
  [[nodiscard]] std::size_t count() const { return count_; }
  void read(hid_t as, void* values) const {
    check<DataError>(H5Aread(attribute_.get(), as, values), path_, action_);
  }

 private:
  std::string_view path_;
  std::string action_;
  Handle attribute_, type_;
  std::size_t count_ = 0;
};

/// HDF5's own number of a type is known when the library runs, not before.
struct NumberType {
  ElementType type;
  hid_t id;
};

std::array<NumberType, 5> number_types() {
  return {{{ElementType::u8, H5T_STD_U8LE},
           {ElementType::u16, H5T_STD_U16LE},
           {ElementType::u32, H5T_STD_U32LE},
           {ElementType::u64, H5T_STD_U64LE},
           {ElementType::f64, H5T_IEEE_F64LE}}};
}

ElementType classify(hid_t type) {
  for (const NumberType& known : number_types()) {
    if (H5Tequal(type, known.id) > 0) return known.type;
  }
  if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0) return ElementType::text;
  return ElementType::other;
}

Handle make_type(ElementType type, std::size_t size, std::string_view path) {
  using E = StorageError;
  for (const NumberType& known : number_types()) {
    if (known.type == type) return own<E>(H5Tcopy(known.id), path, "copy a type");
  }
  Handle text = own<E>(H5Tcopy(H5T_C_S1), path, "copy a type");
  check<E>(H5Tset_size(text.get(), size), path, "set the length of a text");
  check<E>(H5Tset_strpad(text.get(), H5T_STR_NULLPAD), path, "set the padding of a text");
  check<E>(H5Tset_cset(text.get(), H5T_CSET_UTF8), path, "set the encoding of a text");
  return text;
}

std::vector<std::uint64_t> extents(hid_t space, std::string_view path) {
  const int rank = check<DataError>(H5Sget_simple_extent_ndims(space), path, "read a shape");
  if (rank > static_cast<int>(kMostDimensions)) {
    fail<DataError>("{}: a dataset has {} dimensions", path, rank);
  }
  std::array<hsize_t, kMostDimensions> sizes{};
  check<DataError>(H5Sget_simple_extent_dims(space, sizes.data(), nullptr), path, "read a shape");
  return {sizes.begin(), sizes.begin() + rank};
}

/// Refuses to follow a link into another file: a shard names nothing outside of itself.
herr_t refuse_external_link(const char*, const char*, const char*, const char*, unsigned*, hid_t,
                            void*) noexcept {
  return -1;
}

/// Times would make equal shards differ in their bytes.
Handle without_times(hid_t property_class, std::string_view path) {
  Handle list = own<StorageError>(H5Pcreate(property_class), path, "create properties");
  check<StorageError>(H5Pset_obj_track_times(list.get(), false), path, "switch off time stamps");
  return list;
}

/// The text of a zero-padded field.
std::string trimmed(std::string_view field) {
  return std::string(field.substr(0, field.find('\0')));
}

}  // namespace

void close_handle(hid_t handle) noexcept {
  H5Idec_ref(handle);
}

Session::Session() : lock_(library_lock()) {
  H5Eget_auto2(H5E_DEFAULT, &printer_, &printer_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);  // no foreign code: encoding and decoding is ours
}

Session::~Session() {
  H5Eset_auto2(H5E_DEFAULT, printer_, printer_data_);
}

InputFile::InputFile(const std::filesystem::path& path) : path_(path.string()) {
  const Session session;
  const Handle access =
      own<DataError>(H5Pcreate(H5P_FILE_ACCESS), path_, "create access properties");
  check<DataError>(H5Pset_file_locking(access.get(), false, true), path_, "switch off locking");
  file_ = own<DataError>(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, access.get()), path_,
                         "open (truncated, damaged, or no HDF5 file)");
}

InputFile::~InputFile() {
  const Session session;
  chunked_.reset();
  file_.reset();
}

bool InputFile::has(const std::string& name) const {
  const Session session;
  const Handle access = link_properties(H5P_LINK_ACCESS);
  return H5Lexists(file_.get(), name.c_str(), access.get()) > 0;
}

Handle InputFile::link_properties(hid_t property_class) const {
  Handle access = own<DataError>(H5Pcreate(property_class), path_, "create access properties");
  check<DataError>(H5Pset_elink_cb(access.get(), &refuse_external_link, nullptr), path_,
                   "refuse external links");
  return access;
}

Handle InputFile::open_dataset(const std::string& name) const {
  const Handle access = link_properties(H5P_DATASET_ACCESS);
  return own<DataError>(H5Dopen2(file_.get(), name.c_str(), access.get()), path_,
                        fmt::format("open dataset '{}'", name));
}

Table InputFile::table(const std::string& name) const {
  const Session session;
  const Handle dataset = open_dataset(name);
  const Handle type = own<DataError>(H5Dget_type(dataset.get()), path_, "read a type");
  const Handle space = own<DataError>(H5Dget_space(dataset.get()), path_, "read a shape");
  const Handle list = own<DataError>(H5Dget_create_plist(dataset.get()), path_, "read properties");
  if (H5Pget_layout(list.get()) != H5D_CONTIGUOUS || H5Pget_external_count(list.get()) != 0) {
    fail<DataError>("{}: dataset '{}' is not contiguous", path_, name);
  }
  const haddr_t address = H5Dget_offset(dataset.get());
  if (address == HADDR_UNDEF) fail<DataError>("{}: dataset '{}' has no data", path_, name);
  return {.type = classify(type.get()),
          .element_size = H5Tget_size(type.get()),
          .shape = extents(space.get(), path_),
          .address = address};
}

Tiled InputFile::tiled(const std::string& name) const {
  const Session session;
  const Handle dataset = open_dataset(name);
  const Handle type = own<DataError>(H5Dget_type(dataset.get()), path_, "read a type");
  const Handle space = own<DataError>(H5Dget_space(dataset.get()), path_, "read a shape");
  const Handle list = own<DataError>(H5Dget_create_plist(dataset.get()), path_, "read properties");
  if (H5Pget_layout(list.get()) != H5D_CHUNKED) {
    fail<DataError>("{}: dataset '{}' is not chunked", path_, name);
  }
  std::array<hsize_t, kMostDimensions> chunk{};
  const int rank = check<DataError>(H5Pget_chunk(list.get(), kMostDimensions, chunk.data()), path_,
                                    "read a chunk's shape");
  Tiled tiled{.type = classify(type.get()),
              .shape = extents(space.get(), path_),
              .chunk = {chunk.begin(), chunk.begin() + rank},
              .filter = 0};
  const int filters = H5Pget_nfilters(list.get());
  if (filters == 1) {
    unsigned flags = 0;
    unsigned configuration = 0;
    std::size_t values = 0;
    tiled.filter =
        H5Pget_filter2(list.get(), 0, &flags, &values, nullptr, 0, nullptr, &configuration);
  } else if (filters != 0) {
    tiled.filter = -1;
  }
  return tiled;
}

std::vector<std::string> InputFile::read_texts(const std::string& name) const {
  const Session session;
  const OpenAttribute attribute(file_.get(), path_, name);
  const std::size_t width = H5Tget_size(attribute.type());
  if (classify(attribute.type()) != ElementType::text || width == 0 ||
      attribute.count() > kLargestAttribute / width) {
    fail<DataError>("{}: attribute '{}' is not a text of fixed length", path_, name);
  }
  std::string all(attribute.count() * width, '\0');
  attribute.read(attribute.type(), all.data());
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < attribute.count(); ++i) {
    texts.push_back(trimmed(std::string_view(all).substr(i * width, width)));
  }
  return texts;
}

std::string InputFile::text_attribute(const std::string& name) const {
  const std::vector<std::string> texts = read_texts(name);
  if (texts.size() != 1) fail<DataError>("{}: attribute '{}' is not one text", path_, name);
  return texts.front();
}

std::vector<std::string> InputFile::text_list_attribute(const std::string& name) const {
  return read_texts(name);
}

std::vector<std::uint64_t> InputFile::number_attribute(const std::string& name) const {
  const Session session;
  const OpenAttribute attribute(file_.get(), path_, name);
  if (classify(attribute.type()) != ElementType::u64 || attribute.count() > kLargestAttribute / 8) {
    fail<DataError>("{}: attribute '{}' does not hold 64-bit numbers", path_, name);
  }
  std::vector<std::uint64_t> numbers(attribute.count());
  if (!numbers.empty()) attribute.read(H5T_NATIVE_UINT64, numbers.data());
  return numbers;
}

bool InputFile::holds_chunk(const std::string& name, std::span<const std::uint64_t> offset,
                            std::span<const std::byte> bytes) {
  const Session session;
  if (chunked_name_ != name) {
    chunked_ = open_dataset(name);
    chunked_name_ = name;
  }
  const std::vector<hsize_t> position(offset.begin(), offset.end());
  hsize_t size = 0;
  if (H5Dget_chunk_storage_size(chunked_.get(), position.data(), &size) < 0 ||
      size != bytes.size()) {
    return false;
  }
  chunk_.resize(size);
  std::uint32_t skipped_filters = 0;
  check<DataError>(
      H5Dread_chunk(chunked_.get(), H5P_DEFAULT, position.data(), &skipped_filters, chunk_.data()),
      path_, fmt::format("read a chunk of '{}'", name));
  return skipped_filters == 0 && std::memcmp(chunk_.data(), bytes.data(), size) == 0;
}

OutputFile::OutputFile(const std::filesystem::path& path) : path_(path.string()) {
  using E = StorageError;
  const Handle access = own<E>(H5Pcreate(H5P_FILE_ACCESS), path_, "create access properties");
  check<E>(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), path_,
           "choose the object formats of 1.10");
  // Without block allocators every piece lies exactly where the file ended before it.
  check<E>(H5Pset_meta_block_size(access.get(), 0), path_, "switch off metadata blocks");
  check<E>(H5Pset_small_data_block_size(access.get(), 0), path_, "switch off data blocks");
  check<E>(H5Pset_fclose_degree(access.get(), H5F_CLOSE_SEMI), path_, "choose how to close");
  const Handle creation = without_times(H5P_FILE_CREATE, path_);
  file_ = own<E>(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), path_,
                 "create");
}

void OutputFile::create_group(const std::string& name) {
  const Handle creation = without_times(H5P_GROUP_CREATE, path_);
  own<StorageError>(H5Gcreate2(file_.get(), name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                    path_, fmt::format("create group '{}'", name));
}

void OutputFile::write_table(const std::string& name, ElementType type, std::size_t element_size,
                             std::span<const std::uint64_t> shape,
                             std::span<const std::byte> bytes) {
  using E = StorageError;
  const std::string action = fmt::format("write '{}'", name);
  const std::vector<hsize_t> sizes(shape.begin(), shape.end());
  const Handle element = make_type(type, element_size, path_);
  const Handle space = own<E>(
      H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr), path_, action);
  const Handle creation = without_times(H5P_DATASET_CREATE, path_);
  const Handle dataset = own<E>(H5Dcreate2(file_.get(), name.c_str(), element.get(), space.get(),
                                           H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                                path_, action);
  check<E>(H5Dwrite(dataset.get(), element.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()),
           path_, action);
}

TiledOutput OutputFile::create_tiled(const std::string& name, ElementType type,
                                     std::span<const std::uint64_t> shape,
                                     std::span<const std::uint64_t> chunk, int filter,
                                     unsigned filter_value, std::uint8_t fill) {
  using E = StorageError;
  const std::string action = fmt::format("create '{}'", name);
  const std::vector<hsize_t> sizes(shape.begin(), shape.end());
  const std::vector<hsize_t> tile(chunk.begin(), chunk.end());
  const int rank = static_cast<int>(sizes.size());
  const Handle space = own<E>(H5Screate_simple(rank, sizes.data(), nullptr), path_, action);
  const Handle creation = without_times(H5P_DATASET_CREATE, path_);
  check<E>(H5Pset_chunk(creation.get(), rank, tile.data()), path_, action);
  check<E>(H5Pset_fill_value(creation.get(), H5T_NATIVE_UINT8, &fill), path_, action);
  check<E>(H5Pset_filter(creation.get(), filter, H5Z_FLAG_OPTIONAL, 1, &filter_value), path_,
           action);
  const Handle element = make_type(type, 0, path_);
  return TiledOutput(own<E>(H5Dcreate2(file_.get(), name.c_str(), element.get(), space.get(),
                                       H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                            path_, action));
}

std::uint64_t OutputFile::write_chunk(const TiledOutput& dataset,
                                      std::span<const std::uint64_t> offset,
                                      std::span<const std::byte> bytes) {
  const std::vector<hsize_t> position(offset.begin(), offset.end());
  const std::uint64_t before = end_of_file();
  check<StorageError>(
      H5Dwrite_chunk(dataset.get(), H5P_DEFAULT, 0, position.data(), bytes.size(), bytes.data()),
      path_, "write a chunk");
  // A file that grew by just the chunk has it at its end. Otherwise HDF5 added something of its own
  // (once a dataset), and is asked, which takes it a walk over all chunks before this one.
  if (end_of_file() == before + bytes.size()) return before;
  haddr_t address = HADDR_UNDEF;
  hsize_t size = 0;
  unsigned skipped_filters = 0;
  check<StorageError>(
      H5Dget_chunk_info_by_coord(dataset.get(), position.data(), &skipped_filters, &address, &size),
      path_, "find a chunk");
  return address;
}

std::uint64_t OutputFile::end_of_file() const {
  haddr_t end = 0;
  check<StorageError>(H5Fget_eoa(file_.get(), &end), path_, "find the end");
  return end;
}

void OutputFile::write_raw_attribute(const std::string& name, const Handle& type,
                                     const Handle& space, const void* data) {
  using E = StorageError;
  const std::string action = fmt::format("write attribute '{}'", name);
  const Handle attribute = own<E>(
      H5Acreate2(file_.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
      path_, action);
  check<E>(H5Awrite(attribute.get(), type.get(), data), path_, action);
}

void OutputFile::write_attribute(const std::string& name, const std::string& text) {
  const std::size_t width = text.empty() ? 1 : text.size();
  const Handle space = own<StorageError>(H5Screate(H5S_SCALAR), path_, "create a scalar");
  write_raw_attribute(name, make_type(ElementType::text, width, path_), space, text.c_str());
}

void OutputFile::write_attribute(const std::string& name, std::span<const std::string> texts) {
  std::size_t width = 1;
  for (const std::string& text : texts) width = std::max(width, text.size());
  std::string all;
  for (const std::string& text : texts) all += text + std::string(width - text.size(), '\0');
  const hsize_t count = texts.size();
  const Handle space =
      own<StorageError>(H5Screate_simple(1, &count, nullptr), path_, "create a shape");
  write_raw_attribute(name, make_type(ElementType::text, width, path_), space, all.data());
}

void OutputFile::write_attribute(const std::string& name, std::span<const std::uint64_t> numbers) {
  const hsize_t count = numbers.size();
  const Handle space =
      own<StorageError>(H5Screate_simple(1, &count, nullptr), path_, "create a shape");
  write_raw_attribute(name, make_type(ElementType::u64, 8, path_), space, numbers.data());
}

void OutputFile::write_attribute(const std::string& name, std::uint64_t number) {
  const Handle space = own<StorageError>(H5Screate(H5S_SCALAR), path_, "create a scalar");
  write_raw_attribute(name, make_type(ElementType::u64, 8, path_), space, &number);
}

void OutputFile::close() {
  check<StorageError>(H5Fflush(file_.get(), H5F_SCOPE_LOCAL), path_, "write the index");
  file_.reset();  // all that can fail has been flushed; the writer reads everything back anyway
}

}  // namespace dusk::hdf5
