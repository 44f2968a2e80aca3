#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/data/dataset.hpp"

namespace dusk {

/// Crop and flip of a further picture of a sample.
enum class ViewGeometry {
  same,  ///< as of the sample itself; the pictures must have one size
  own,   ///< drawn for itself
};

constexpr std::array<std::pair<std::string_view, ViewGeometry>, 2> names_of(ViewGeometry) {
  return {{{"same", ViewGeometry::same}, {"own", ViewGeometry::own}}};
}

/// Which further pictures come with each sample of a stream. Samples that lack one are left out.
struct ViewOptions {
  bool pair = false;  ///< `SampleInfo::pair`, as picture "reference"
  ViewGeometry pair_geometry = ViewGeometry::same;
  std::vector<int> frames{};  ///< neighbours in the video: {-1, 1} as "frame-1" and "frame+1"

  [[nodiscard]] bool is_empty() const { return !pair && frames.empty(); }
};

/// One further picture of each sample.
struct View {
  std::string name;  ///< in `StreamBatch::pictures`
  Dataset dataset;   ///< holds the partners, which the stream's filter need not accept
  std::shared_ptr<const std::vector<std::uint64_t>> partners;  ///< in `dataset`, one a sample
  bool own_geometry = false;
};

/// A data set with the further pictures of its samples.
struct ViewedDataset {
  Dataset dataset;
  std::vector<View> views;
  std::uint64_t left_out = 0;  ///< samples without a partner, or whose partner is not in the set
};

/// Finds the partners among all samples of the source, so that a stream of night pictures finds
/// their references by day. `DataError` where nothing is left. With no options the data set itself.
[[nodiscard]] ViewedDataset with_views(const Dataset& dataset, const ViewOptions& options);

}  // namespace dusk
