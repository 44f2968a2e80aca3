#include "sharding/synth/preview.hpp"

#include <cmath>

#include "dusk/data/label_space.hpp"
#include "sharding/pictures.hpp"

namespace dusk::synth {
namespace {

/// Interleaved RGB pictures side by side, with a white line between.
class Sheet {
 public:
  Sheet(int rows, int columns, int height, int width)
      : row_(height + kGap),
        column_(width + kGap),
        height_(rows * row_ - kGap),
        width_(columns * column_ - kGap),
        pixels_(area() * 3, 255) {}

  /// `color(i)` is the RGB colour of pixel i of the picture at this row and column.
  template <class ColorOf>
  void put(int row, int column, ColorOf&& color) {
    std::size_t i = 0;
    for (int y = row * row_; y < (row + 1) * row_ - kGap; ++y)
      for (int x = column * column_; x < (column + 1) * column_ - kGap; ++x, ++i) {
        const auto at = static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
                        static_cast<std::size_t>(x);
        const std::array<std::uint8_t, 3> value = color(i);
        std::copy(value.begin(), value.end(), &pixels_[3 * at]);
      }
  }

  void write(const std::filesystem::path& path) const {
    sharding::write_png(path, height_, width_, 3, std::span<const std::uint8_t>(pixels_));
  }

 private:
  static constexpr int kGap = 6;

  [[nodiscard]] std::size_t area() const {
    return static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_);
  }

  int row_, column_, height_, width_;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace

void write_preview(const CityOptions& options, int places, const std::filesystem::path& path) {
  const auto& space = label_space("cityscapes19");
  const LabelMap train_ids = label_ids_to_train_ids(space);
  Sheet sheet(places, 4, options.height, options.width);
  for (int place = 0; place < places; ++place) {
    const auto drawn = [&](TimeOfDay time) {
      return render(make_scene(options.seed, static_cast<std::uint64_t>(place), time),
                    options.height, options.width);
    };
    const Rendered day = drawn(TimeOfDay::day), night = drawn(TimeOfDay::night);
    const auto photo = [](const Rendered& picture) {
      return [&picture](std::size_t i) {
        const std::uint8_t* rgb = &picture.image[3 * i];
        return std::array{rgb[0], rgb[1], rgb[2]};
      };
    };
    sheet.put(place, 0, photo(day));
    sheet.put(place, 1, photo(night));
    sheet.put(place, 2, [&](std::size_t i) {
      const std::size_t id = train_ids[day.label_ids[i]];
      return id < space.classes.size() ? space.classes[id].color : std::array<std::uint8_t, 3>{};
    });
    sheet.put(place, 3, [&](std::size_t i) {
      const auto grey = static_cast<std::uint8_t>(255 * std::min(1.0F, 4 / (day.depth[i] + 1)));
      return std::array{grey, grey, grey};
    });
  }
  sheet.write(path);
}

}  // namespace dusk::synth
