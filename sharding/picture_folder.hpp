#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dusk/data/dataset.hpp"

namespace dusk::sharding {

/// The PNG and JPEG files of one folder, sorted by name, as unlabelled samples: what `dusk predict`
/// reads. A sample's name is its file name. Files are decoded when they are read.
class PictureFolder : public SampleSource {
 public:
  /// `DataError` where the folder does not exist or holds no picture, and for a file whose header
  /// is damaged.
  explicit PictureFolder(const std::filesystem::path& folder);

  [[nodiscard]] std::uint64_t size() const override { return infos_.size(); }
  [[nodiscard]] const SampleInfo& info(std::uint64_t index) const override;
  [[nodiscard]] const std::string& label_space() const override { return no_labels_; }
  void read(Field field, std::uint64_t index, Rect window,
            std::span<std::uint8_t> out) const override;

 private:
  std::filesystem::path folder_;
  std::vector<SampleInfo> infos_;
  std::string no_labels_;
};

}  // namespace dusk::sharding
