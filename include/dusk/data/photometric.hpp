#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/base/random.hpp"
#include "dusk/base/range.hpp"

namespace dusk {

/// Changes of a picture's colours, as pure functions of (options, random numbers). Pictures are
/// float RGB in [0, 1], interleaved, (pixels, 3); so are the results.

/// Whose definition of brightness, contrast and saturation; b, c, s are the drawn factors.
enum class JitterKind {
  /// torchvision's ColorJitter, used by Monodepth2: x b; c x + (1 - c) mean of the grey picture;
  /// s x + (1 - s) grey. Grey is 0.2989 R + 0.587 G + 0.114 B.
  torchvision,
  /// kornia's (0.4 to 0.6), used by DAFormer and what builds on it: x + b - 1; c x; saturation of
  /// HSV times s.
  kornia,
};

constexpr std::array<std::pair<std::string_view, JitterKind>, 2> names_of(JitterKind) {
  return {{{"torchvision", JitterKind::torchvision}, {"kornia", JitterKind::kornia}}};
}

struct ColorJitterOptions {
  double probability = 0.0;
  JitterKind kind = JitterKind::torchvision;
  double brightness = 0.2;  ///< b, c, s are uniform in [1 - value, 1 + value]
  double contrast = 0.2;
  double saturation = 0.2;
  double hue = 0.1;  ///< shift is uniform in [-value, value] of the hue circle
};

template <class Visitor>
void describe(Visitor& v, ColorJitterOptions& o) {
  v.field("probability", o.probability, "of changing the colours at all", between(0, 1));
  v.field("kind", o.kind, "whose definitions of brightness, contrast and saturation");
  v.field("brightness", o.brightness, "factor drawn from [1 - value, 1 + value]", between(0, 1));
  v.field("contrast", o.contrast, "factor drawn from [1 - value, 1 + value]", between(0, 1));
  v.field("saturation", o.saturation, "factor drawn from [1 - value, 1 + value]", between(0, 1));
  v.field("hue", o.hue, "shift drawn from [-value, value] of the hue circle", between(0, 0.5));
}

struct BlurOptions {
  double probability = 0.0;
  double sigma_min = 0.15;  ///< pixels
  double sigma_max = 1.15;
};

template <class Visitor>
void describe(Visitor& v, BlurOptions& o) {
  v.field("probability", o.probability, "of a Gaussian blur", between(0, 1));
  v.field("sigma_min", o.sigma_min, "least deviation in pixels", positive);
  v.field("sigma_max", o.sigma_max, "largest deviation in pixels", positive);
  v.check(o.sigma_min <= o.sigma_max, "sigma_max", "must be >= sigma_min");
}

enum class ColorOp { brightness, contrast, saturation, hue };

/// What happens to the colours of one picture.
struct ColorJitter {
  JitterKind kind = JitterKind::torchvision;
  std::array<ColorOp, 4> order{ColorOp::brightness, ColorOp::contrast, ColorOp::saturation,
                               ColorOp::hue};
  double brightness = 1;
  double contrast = 1;
  double saturation = 1;
  double hue = 0;

  friend bool operator==(const ColorJitter&, const ColorJitter&) = default;
};

/// Draws the order (all 24 alike), then b, c, s and the hue.
[[nodiscard]] ColorJitter draw_color_jitter(const ColorJitterOptions& options, Random& random);

/// In the jitter's order; after each change values are cut to [0, 1].
void change_colors(const ColorJitter& jitter, std::span<float> rgb);

/// Weights of a Gaussian at -radius .. radius, sum 1. The kernel of a side of S pixels is the odd
/// one of c and c - 1, c = ceil(S / 10), as DAFormer has it; what lies beyond 5 sigma (6e-7 of the
/// sum) is left out.
[[nodiscard]] std::vector<float> blur_kernel(double sigma, int side);

/// Separable Gaussian blur of (height, width, 3), borders reflected without repeating the edge.
class Blur {
 public:
  void apply(double sigma, int height, int width, std::span<float> rgb);

 private:
  std::vector<float> buffer_;  // kept from picture to picture
};

/// What happens to one picture, or to all pictures of a sample: jitter, then blur.
struct PhotometricChange {
  bool jitters = false;
  ColorJitter jitter;
  double sigma = 0;  ///< 0: no blur

  [[nodiscard]] bool is_none() const { return !jitters && sigma == 0; }
  friend bool operator==(const PhotometricChange&, const PhotometricChange&) = default;
};

/// Draws everything always, so that the numbers drawn do not depend on what comes of them.
[[nodiscard]] PhotometricChange draw_photometric(const ColorJitterOptions& jitter,
                                                 const BlurOptions& blur, Random& random);

}  // namespace dusk
