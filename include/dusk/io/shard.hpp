#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/units.hpp"

/// Shards: HDF5 files of labelled pictures, as sharding/FORMAT.md describes them.
namespace dusk {

/// What is stored for a sample, as sharding/FORMAT.md lists it.
enum class Field {
  image,       ///< (H, W, 3) uint8, RGB
  label,       ///< (H, W) uint8, train ids; `kIgnoredLabel` where nobody knows
  depth,       ///< (H, W) uint16, in units of `kMetresPerDepth`; 0 where nobody knows
  confidence,  ///< (H, W) uint8, of a pseudo-label; 255 is certain
};

/// In the order of the enumeration, so that a field is its own index.
inline constexpr std::array kFields{Field::image, Field::label, Field::depth, Field::confidence};

inline constexpr std::uint8_t kIgnoredLabel = 255;

/// Of a step of `Field::depth`; the largest value stands for everything beyond, too.
inline constexpr double kMetresPerDepth = 1.0 / 256;

/// Values a pixel: 3 for images, 1 for all others.
[[nodiscard]] int channels_of(Field field) noexcept;
/// Bytes of one value: 2 for depth, 1 for all others.
[[nodiscard]] std::size_t value_bytes_of(Field field) noexcept;
[[nodiscard]] std::string_view name_of(Field field) noexcept;

/// A window of a picture in pixels.
struct Rect {
  int y = 0;
  int x = 0;
  int height = 0;
  int width = 0;
};

/// Pinhole camera in pixels of the stored picture, pixel centres at whole numbers. All zero where
/// nobody knows.
struct Camera {
  double fx = 0;
  double fy = 0;
  double cx = 0;
  double cy = 0;

  [[nodiscard]] bool is_known() const noexcept { return fx > 0 && fy > 0; }
  friend bool operator==(const Camera&, const Camera&) = default;
};

struct SampleInfo {
  std::string name;  ///< unique in a set, for example "train/0006R0_f00930"
  int height = 0;    ///< pixels
  int width = 0;
  bool has_label = false;
  bool has_depth = false;
  bool has_confidence = false;
  std::string role{};         ///< "train", "val", "test", or what the data set calls it
  std::string time_of_day{};  ///< "day", "twilight", "dusk", "night", or empty: unknown
  std::string sequence{};     ///< the drive it is from, or empty
  std::string pair{};         ///< name of the sample of the same place at another time, or empty
  std::string previous{};     ///< name of the frame before it in its video, or empty
  std::string next{};         ///< name of the frame after it, or empty
  Camera camera{};
  /// False in shards whose pictures are those of another set (pseudo-labels): there of all samples.
  bool has_image = true;

  [[nodiscard]] bool has(Field field) const noexcept;
};

[[nodiscard]] inline Rect whole(const SampleInfo& info) noexcept {
  return {0, 0, info.height, info.width};
}

/// A sample to be written. `image` has height*width*3 values; each other field height*width; any
/// has none where `info` says that the sample does not have it.
struct SampleData {
  SampleInfo info;
  std::span<const std::uint8_t> image;
  std::span<const std::uint8_t> label{};
  std::span<const std::uint16_t> depth{};
  std::span<const std::uint8_t> confidence{};
};

/// What the label values mean: value v is `classes[v]`.
struct ShardLabels {
  std::string space;  ///< for example "cityscapes19"
  std::vector<std::string> classes;
};

struct ShardOptions {
  /// Edge of a tile in pixels, [16, 1024]; a picture is divided into equal tiles of about this
  /// size.
  int tile = 128;
  /// zstd, [1, 22]; sets the time to write, hardly the time to read.
  int level = 6;
  /// Where the samples came from (a data set, a teacher and its configuration); stored as it is.
  std::string provenance{};
};

/// What the manifest says about one shard.
struct ShardSummary {
  std::string file;  ///< name within the set's folder
  Bytes size;
  std::uint64_t checksum = 0;  ///< of the whole file
  std::size_t samples = 0;
  std::size_t labelled = 0;
  std::vector<std::uint64_t> class_pixels;  ///< one count a class
  std::uint64_t ignored_pixels = 0;
};

/// A sample that is checked and encoded, and not yet in a shard. Moves, never copies.
class PreparedSample {
 public:
  ~PreparedSample();
  PreparedSample(PreparedSample&&) noexcept;
  PreparedSample& operator=(PreparedSample&&) noexcept;

 private:
  friend class ShardWriter;
  struct Impl;
  explicit PreparedSample(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Writes one shard. Its bytes depend on the samples, their order and the options only. Encoded
/// samples are kept in memory until `finish()`, which writes the file, checks it by reading it
/// back, and publishes it in one step; before that no file of this name exists.
class ShardWriter {
 public:
  ShardWriter(std::filesystem::path path, ShardOptions options, ShardLabels labels);
  ~ShardWriter();
  ShardWriter(ShardWriter&&) noexcept;
  ShardWriter& operator=(ShardWriter&&) noexcept;

  /// `DataError` naming the sample for an empty picture, values that are not height*width, a label
  /// outside the label space, a name that is empty, already used or longer than 512 bytes, a camera
  /// that is none, a picture in a shard whose first sample has none or the reverse.
  void add(const SampleData& sample);

  /// The part of `add` that takes time, which concerns this sample alone: any number of threads may
  /// prepare samples while one adds them.
  [[nodiscard]] PreparedSample prepare(const SampleData& sample) const;
  void add(PreparedSample sample);

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] Bytes encoded_size() const noexcept;

  /// At most once; a shard without samples is an `InternalError`, a full disk a `StorageError`.
  ShardSummary finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads one shard. Opening goes through HDF5 once and checks the index; reading then takes the
/// encoded tiles from the file itself, without HDF5 and its global lock, from any number of threads
/// at once. What does not match its checksum is a `DataError` naming shard, sample and field.
class ShardReader {
 public:
  explicit ShardReader(const std::filesystem::path& path);
  ~ShardReader();
  ShardReader(ShardReader&&) noexcept;
  ShardReader& operator=(ShardReader&&) noexcept;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] const SampleInfo& info(std::size_t index) const;
  [[nodiscard]] const ShardLabels& labels() const noexcept;
  [[nodiscard]] const std::string& provenance() const noexcept;
  [[nodiscard]] const std::filesystem::path& path() const noexcept;

  /// Pixels of each label value in a sample, as many as there are classes; zeros without a label.
  [[nodiscard]] std::span<const std::uint32_t> class_pixels(std::size_t index) const;

  /// Writes the window of sample `index` to `out`, row-major, window.height * window.width *
  /// channels_of(field) values. Reads and decodes the tiles that the window touches, no others.
  /// A window outside the picture, an `out` of another size or of values that are not the field's
  /// is an `InternalError`; a field that the sample does not have is a `DataError`.
  void read(Field field, std::size_t index, Rect window, std::span<std::uint8_t> out) const;
  void read(Field field, std::size_t index, Rect window, std::span<std::uint16_t> out) const;

  /// Checks every tile of a sample: checksum, decoding, label values and their counts, and that
  /// HDF5 (hence h5py) finds the same bytes at the same place. Safe from any thread.
  void verify(std::size_t index) const;
  /// Checks every sample.
  void verify() const;

  /// As `ShardWriter::finish` gave it; reads the whole file for its checksum.
  [[nodiscard]] ShardSummary summary() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The file name of shard `number` of a set.
[[nodiscard]] std::string shard_file_name(std::size_t number);

class ShardSet;

/// Fields that a set does not hold itself: they are those of the samples of the same names in
/// another set. So pseudo-labels need no copy of the pictures, translated pictures none of the
/// labels.
struct SetReference {
  std::filesystem::path set;   ///< relative to the set's folder, or absolute
  std::uint64_t identity = 0;  ///< `ShardSet::identity` of the other set
  std::vector<Field> fields;   ///< at least one; no sample of the set has one of its own
};

/// A reference from the set that will be in `folder` to `other`, by a relative path.
[[nodiscard]] SetReference refer_to(const ShardSet& other, const std::filesystem::path& folder,
                                    std::vector<Field> fields);

/// Publishes `folder`/manifest.json over shards that lie there: from now on the set exists. Sample
/// names must be unique over the set (`DataError`). The order of `shards` is the order of samples;
/// with a reference it is the other set's order.
void publish_manifest(const std::filesystem::path& folder, const ShardLabels& labels,
                      std::span<const ShardSummary> shards,
                      const std::optional<SetReference>& reference = {});

struct ShardSetOptions {
  ShardOptions shard{};
  std::size_t samples_per_shard = 500;
};

/// Writes a set from one process: shards of `samples_per_shard` samples, then the manifest.
class ShardSetWriter {
 public:
  /// `ConfigError` where `folder` already holds a published set.
  ShardSetWriter(std::filesystem::path folder, ShardSetOptions options, ShardLabels labels);

  void add(const SampleData& sample);
  std::vector<ShardSummary> finish();

 private:
  void finish_shard();

  std::filesystem::path folder_;
  ShardSetOptions options_;
  ShardLabels labels_;
  std::unique_ptr<ShardWriter> writer_;
  std::vector<ShardSummary> shards_;
};

/// What a published set says about its labels, from its manifest alone.
[[nodiscard]] ShardLabels read_set_labels(const std::filesystem::path& folder);

/// A published set of shards as one sequence of samples: 0 .. size()-1 in the order of the
/// manifest. Immutable, cheap to copy (copies share the open files), safe from any thread. What is
/// taken from another set (`SetReference`) is read like what the set holds itself.
class ShardSet {
 public:
  /// Trusts the manifest, never the presence of files: a folder without one is a `DataError`, and
  /// so is a shard that is missing, of another size than the manifest says, or of another label
  /// space; a set that fields are taken from and that is gone, has changed, or lacks a sample.
  [[nodiscard]] static ShardSet open(const std::filesystem::path& folder);

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] const SampleInfo& info(std::size_t index) const;
  /// Name, within the folder, of the shard that holds a sample.
  [[nodiscard]] const std::string& file_of(std::size_t index) const;
  /// As those of `ShardReader`.
  [[nodiscard]] std::span<const std::uint32_t> class_pixels(std::size_t index) const;
  void read(Field field, std::size_t index, Rect window, std::span<std::uint8_t> out) const;
  void read(Field field, std::size_t index, Rect window, std::span<std::uint16_t> out) const;

  [[nodiscard]] const std::string& label_space() const noexcept;
  [[nodiscard]] const ShardLabels& labels() const noexcept;
  [[nodiscard]] const std::vector<ShardSummary>& shards() const noexcept;
  [[nodiscard]] const std::filesystem::path& folder() const noexcept;
  /// Changes with any byte of any shard, here and in the sets that fields are taken from; does not
  /// depend on where the sets lie.
  [[nodiscard]] std::uint64_t identity() const noexcept;
  [[nodiscard]] const std::optional<SetReference>& reference() const noexcept;

  /// As `ShardReader::verify`: one sample, with the fields that are taken from another set, for
  /// callers that share the work among threads.
  void verify(std::size_t index) const;
  /// Compares the file of `shards()[shard]` with what the manifest says of it.
  void verify_file(std::size_t shard) const;
  /// Checks every sample and every file.
  void verify() const;

 private:
  struct State;
  explicit ShardSet(std::shared_ptr<const State> state);
  [[nodiscard]] static ShardSet open(const std::filesystem::path& folder, int depth);
  std::shared_ptr<const State> state_;
};

}  // namespace dusk
