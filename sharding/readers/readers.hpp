#pragma once

#include "sharding/source.hpp"

namespace dusk::sharding {

/// CamVid, 11 classes: train/ val/ test/ with pictures, trainannot/ valannot/ testannot/ with index
/// PNGs. Sequence 0001TP was taken at dusk, the others by day; the labels of its test part are
/// withheld.
[[nodiscard]] SourceDataset list_camvid(const ReaderOptions& options);

/// Cityscapes, fine annotations: leftImg8bit/ROLE/CITY/*_leftImg8bit.png and
/// gtFine/ROLE/CITY/*_gtFine_labelIds.png. The test part may come without labels.
[[nodiscard]] SourceDataset list_cityscapes(const ReaderOptions& options);

/// Parts that readers share.
///
/// Files of a folder whose name ends in `suffix`, sorted by name. `DataError` where there is no
/// such folder (`layout` says what is expected) or no such file in it.
[[nodiscard]] std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder,
                                                          std::string_view suffix,
                                                          std::string_view layout);
[[nodiscard]] bool wants_role(const ReaderOptions& options, std::string_view role);
/// `ConfigError` for a role that is none of `known`.
void check_roles(const ReaderOptions& options, std::span<const std::string_view> known);

}  // namespace dusk::sharding
