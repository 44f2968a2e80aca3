#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "loss/upsample_kernels.hpp"

namespace dusk::upsample {

/// Tables of one axis of a bilinear up-sampling with align_corners=false: source coordinate
/// (i + 0.5) in_size / out_size - 0.5, held at 0 at the near border.
template <class T>
class AxisTable {
 public:
  AxisTable(std::int64_t in_size, std::int64_t out_size);

  [[nodiscard]] Axis<T> view() const {
    return {in_size_, out_size_, index_.data(), weight_.data(), begin_.data()};
  }

 private:
  std::int64_t in_size_;
  std::int64_t out_size_;
  std::vector<std::int32_t> index_;
  std::vector<T> weight_;
  std::vector<std::int32_t> begin_;
};

template <class T>
AxisTable<T>::AxisTable(std::int64_t in_size, std::int64_t out_size)
    : in_size_(in_size), out_size_(out_size) {
  const auto padded = static_cast<std::size_t>((out_size + kBlock - 1) / kBlock * kBlock);
  const double scale = static_cast<double>(in_size) / static_cast<double>(out_size);
  index_.resize(padded);
  weight_.resize(padded);
  begin_.assign(static_cast<std::size_t>(in_size) + 1, static_cast<std::int32_t>(out_size));
  std::int64_t next = 0;  // first source whose `begin` is not known yet
  for (std::int64_t i = 0; i < out_size; ++i) {
    const double source = std::max((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0);
    const auto left = std::min(static_cast<std::int64_t>(source), in_size - 1);
    index_[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(left);
    weight_[static_cast<std::size_t>(i)] = static_cast<T>(source - static_cast<double>(left));
    for (; next <= left; ++next) {
      begin_[static_cast<std::size_t>(next)] = static_cast<std::int32_t>(i);
    }
  }
  for (auto i = static_cast<std::size_t>(out_size); i < padded; ++i) {
    index_[i] = index_[static_cast<std::size_t>(out_size) - 1];
    weight_[i] = 0;
  }
}

}  // namespace dusk::upsample
