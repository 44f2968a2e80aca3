#pragma once

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "dusk/base/unique_handle.hpp"

/// The only place that calls HDF5. Each function of the library is called once in hdf5_file.cpp and
/// its result is checked there; what the library would print goes into the exception's text.
namespace dusk::hdf5 {

void close_handle(hid_t handle) noexcept;
using Handle = UniqueHandle<hid_t, hid_t{-1}, &close_handle>;

/// HDF5 runs one call at a time (or, built without thread safety, breaks otherwise), and keeps the
/// printer of its errors as process-wide state. This holds the lock and silences the printer, for
/// the length of a call of the classes below: threads that read several shards wait for each other
/// no longer than that.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  H5E_auto2_t printer_ = nullptr;
  void* printer_data_ = nullptr;
};

/// Element types that occur in shards; `text` is a fixed-length, zero-padded string.
enum class ElementType { u8, u16, u32, u64, f64, text, other };

/// Where a dataset without chunks and filters lies. All numbers were read from the file and are
/// believed only after the range [address, address + bytes) was found inside of it.
struct Table {
  ElementType type = ElementType::other;
  std::size_t element_size = 0;
  std::vector<std::uint64_t> shape;
  std::uint64_t address = 0;
};

/// A dataset in chunks with at most one filter.
struct Tiled {
  ElementType type = ElementType::other;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> chunk;
  int filter = 0;  ///< registered id, 0 for none, -1 for a pipeline of several
};

/// A file that is being read. Errors are `DataError`: "FILE: cannot DO: HDF5's text".
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  [[nodiscard]] bool has(const std::string& name) const;
  [[nodiscard]] Table table(const std::string& name) const;
  [[nodiscard]] Tiled tiled(const std::string& name) const;

  [[nodiscard]] std::string text_attribute(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> text_list_attribute(const std::string& name) const;
  [[nodiscard]] std::vector<std::uint64_t> number_attribute(const std::string& name) const;

  /// True where HDF5 finds a chunk at this place, and these are its encoded bytes.
  [[nodiscard]] bool holds_chunk(const std::string& name, std::span<const std::uint64_t> offset,
                                 std::span<const std::byte> bytes);

 private:
  [[nodiscard]] Handle open_dataset(const std::string& name) const;
  [[nodiscard]] Handle link_properties(hid_t property_class) const;
  [[nodiscard]] std::vector<std::string> read_texts(const std::string& name) const;

  std::string path_;
  Handle file_;
  /// Of the last `holds_chunk`, which comes many times for one dataset.
  std::string chunked_name_;
  Handle chunked_;
  std::vector<std::byte> chunk_;
};

/// A chunked dataset that is being written.
class TiledOutput {
 public:
  explicit TiledOutput(Handle dataset) : dataset_(std::move(dataset)) {}
  [[nodiscard]] hid_t get() const noexcept { return dataset_.get(); }

 private:
  Handle dataset_;
};

/// A file that is being written, with HDF5 1.10's checksummed metadata and without time stamps.
/// Errors are `StorageError`.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path);

  void create_group(const std::string& name);
  void write_table(const std::string& name, ElementType type, std::size_t element_size,
                   std::span<const std::uint64_t> shape, std::span<const std::byte> bytes);
  [[nodiscard]] TiledOutput create_tiled(const std::string& name, ElementType type,
                                         std::span<const std::uint64_t> shape,
                                         std::span<const std::uint64_t> chunk, int filter,
                                         unsigned filter_value, std::uint8_t fill);
  /// Writes encoded bytes as they are and returns where in the file they lie.
  std::uint64_t write_chunk(const TiledOutput& dataset, std::span<const std::uint64_t> offset,
                            std::span<const std::byte> bytes);

  void write_attribute(const std::string& name, const std::string& text);
  void write_attribute(const std::string& name, std::span<const std::string> texts);
  void write_attribute(const std::string& name, std::span<const std::uint64_t> numbers);
  void write_attribute(const std::string& name, std::uint64_t number);

  /// Writes what HDF5 still holds; the file is complete afterwards.
  void close();

 private:
  [[nodiscard]] std::uint64_t end_of_file() const;
  void write_raw_attribute(const std::string& name, const Handle& type, const Handle& space,
                           const void* data);

  Session session_;
  std::string path_;
  Handle file_;
};

}  // namespace dusk::hdf5
