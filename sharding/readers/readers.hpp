#pragma once

#include "sharding/source.hpp"

namespace dusk::sharding {

/// The readers, a file each; the table in readers.cpp says what each expects.

[[nodiscard]] SourceDataset list_acdc(const ReaderOptions& options);
[[nodiscard]] SourceDataset list_bdd100k(const ReaderOptions& options);
[[nodiscard]] SourceDataset list_camvid(const ReaderOptions& options);
[[nodiscard]] SourceDataset list_cityscapes(const ReaderOptions& options);
[[nodiscard]] SourceDataset list_dark_zurich(const ReaderOptions& options);
[[nodiscard]] SourceDataset list_folder(const ReaderOptions& options);
[[nodiscard]] SourceDataset list_kitti(const ReaderOptions& options);
[[nodiscard]] SourceDataset list_kitti_raw(const ReaderOptions& options);
[[nodiscard]] SourceDataset list_nexet(const ReaderOptions& options);
[[nodiscard]] SourceDataset list_nighttime_driving(const ReaderOptions& options);
[[nodiscard]] SourceDataset list_nuscenes(const ReaderOptions& options);
[[nodiscard]] SourceDataset list_robotcar(const ReaderOptions& options);

// Parts that readers share. `layout` is what the tree should be, for messages.

/// Files of a folder whose name ends in `suffix`, sorted by name. `DataError` where there is no
/// such folder or no such file in it.
[[nodiscard]] std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder,
                                                          std::string_view suffix,
                                                          std::string_view layout);
/// Folders in a folder, sorted by name; `DataError` as above.
[[nodiscard]] std::vector<std::filesystem::path> folders_of(const std::filesystem::path& folder,
                                                            std::string_view layout);

/// A picture and the two parts of its place: FOLDER/SEQUENCE/STEM + suffix.
struct FoundPicture {
  std::filesystem::path path;
  std::string sequence, stem;
};
/// All of FOLDER/*/*SUFFIX, by sequence, then by name.
[[nodiscard]] std::vector<FoundPicture> pictures_by_sequence(const std::filesystem::path& folder,
                                                             std::string_view suffix,
                                                             std::string_view layout);

/// `path` if it is a file, else a `DataError`: "PATH: this `what` is missing; expected: `layout`".
[[nodiscard]] std::filesystem::path existing(const std::filesystem::path& path,
                                             std::string_view what, std::string_view layout);

/// A file that another file of the data set names; `DataError` for a name that leads out of `root`.
[[nodiscard]] std::filesystem::path inside(const std::filesystem::path& root,
                                           const std::string& name);

/// The file name without its end, which it has.
[[nodiscard]] std::string stem_before(const std::filesystem::path& path, std::string_view suffix);

[[nodiscard]] bool wants_role(const ReaderOptions& options, std::string_view role);
/// `ConfigError` for a role that is none of `known`.
void check_roles(const ReaderOptions& options, std::span<const std::string_view> known);

/// A part of a data set: FOLDER holds the pictures of ROLE.
struct RoleFolder {
  std::string role;
  std::filesystem::path folder;
};
/// The parts to be listed: those that were asked for, or those that are there if none was.
/// `ConfigError` for an unknown role, `DataError` where a part that was asked for is missing or
/// there is none at all.
[[nodiscard]] std::vector<RoleFolder> present_parts(const ReaderOptions& options,
                                                    std::vector<RoleFolder> parts,
                                                    std::string_view layout);

/// What was asked for, or else what the reader knows.
[[nodiscard]] std::string time_of_day(const ReaderOptions& options, std::string_view known);

/// An empty data set of the 19 classes. Stored label values are Cityscapes labelIds 0 to 33 (255 is
/// -1, the licence plate, in 8 bits), or train ids 0 to 18 and 255.
[[nodiscard]] SourceDataset dataset_of_label_ids(std::string_view name);
[[nodiscard]] SourceDataset dataset_of_train_ids(std::string_view name);

/// Part (true) of about `share` of all names, each by itself: independent of what else is there.
[[nodiscard]] bool in_share(std::string_view name, double share);

/// Comma-separated lines without quotes, empty lines left out; each with its number for messages.
/// `DataError` naming file and line for another number of values than `columns`.
struct CsvLine {
  std::size_t number = 0;
  std::vector<std::string> values;
};
[[nodiscard]] std::vector<CsvLine> read_csv(const std::filesystem::path& path, std::size_t columns);

/// Adds "COUNT of TOTAL WHAT (the first: FIRST)" unless the count is 0.
void add_warning(SourceDataset& dataset, std::size_t count, std::size_t total,
                 std::string_view what, std::string_view first);

}  // namespace dusk::sharding
