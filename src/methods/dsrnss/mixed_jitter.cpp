#include "methods/dsrnss/mixed_jitter.hpp"

#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/data/pixel_values.hpp"

namespace dusk {
namespace {

/// Sets the draws of this part apart from those of others with the run's seed.
constexpr std::uint64_t kPart = 0x6A6974746572;  // "jitter"
enum Draw : std::uint64_t { of_step, of_sample };

at::Tensor per_channel(const std::array<float, 3>& values, const at::Tensor& like) {
  return at::tensor(at::ArrayRef<float>(values)).to(like.device()).view({3, 1, 1});
}

/// Value and spread (value less the least channel) of HSV, (1, H, W) each.
struct Extent {
  at::Tensor value, spread;
};

Extent extent_of(const at::Tensor& rgb) {
  const at::Tensor value = rgb.amax(0, /*keepdim=*/true);
  return {value, value - rgb.amin(0, /*keepdim=*/true)};
}

constexpr double kTiny = 1e-20;  // a divisor for the spread of grey, whose result is not used

at::Tensor scaled_saturation(const at::Tensor& rgb, double factor) {
  const auto [value, spread] = extent_of(rgb);
  const at::Tensor growth = (value / spread.clamp_min(kTiny)).clamp_max(factor);
  return (value - (value - rgb) * growth).clamp(0, 1);
}

at::Tensor turned_hue(const at::Tensor& rgb, double turn) {
  const auto [value, spread] = extent_of(rgb);
  const at::Tensor r = rgb.narrow(0, 0, 1);
  const at::Tensor g = rgb.narrow(0, 1, 1);
  const at::Tensor b = rgb.narrow(0, 2, 1);
  const at::Tensor divisor = spread.clamp_min(kTiny);
  const at::Tensor sextant =
      at::where(value == r, (g - b) / divisor,
                at::where(value == g, 2 + (b - r) / divisor, 4 + (r - g) / divisor)) +
      6 * turn;
  const at::Tensor corners = per_channel({0, 2, 4}, rgb);
  const at::Tensor distance = (sextant - corners).remainder(6);
  const at::Tensor height = (2 - distance.minimum(6 - distance)).clamp(0, 1);
  return value - spread + spread * height;
}

at::Tensor changed(ColorOp op, const at::Tensor& rgb, const ColorJitter& jitter) {
  switch (op) {
    case ColorOp::brightness:
      return (rgb + (jitter.brightness - 1)).clamp(0, 1);
    case ColorOp::contrast:
      return (rgb * jitter.contrast).clamp(0, 1);
    case ColorOp::saturation:
      return scaled_saturation(rgb, jitter.saturation);
    case ColorOp::hue:
      return turned_hue(rgb, jitter.hue);
  }
  fail<InternalError>("unknown change of colours");
}

at::Tensor kernel_of(double sigma, std::int64_t side, const at::Tensor& like) {
  const std::vector<float> weights = blur_kernel(sigma, static_cast<int>(side));
  return at::tensor(at::ArrayRef<float>(weights)).to(like.device());
}

}  // namespace

at::Tensor change_colors(const at::Tensor& rgb, const ColorJitter& jitter) {
  if (jitter.kind != JitterKind::kornia) {
    fail<InternalError>("colours of mixed pictures change by kornia's definitions only");
  }
  at::Tensor result = rgb;
  for (const ColorOp op : jitter.order) result = changed(op, result, jitter);
  return result;
}

at::Tensor blurred(const at::Tensor& images, double sigma) {
  const at::Tensor down = kernel_of(sigma, images.size(2), images).view({1, 1, -1, 1});
  const at::Tensor across = kernel_of(sigma, images.size(3), images).view({1, 1, 1, -1});
  const std::int64_t below = down.size(2) / 2;
  const std::int64_t beside = across.size(3) / 2;
  // Channels as pictures of one channel each.
  const at::Tensor planes = images.reshape({-1, 1, images.size(2), images.size(3)});
  const at::Tensor padded = at::reflection_pad2d(planes, {beside, beside, below, below});
  return at::conv2d(at::conv2d(padded, down), across).view(images.sizes());
}

at::Tensor jitter_mixed(const at::Tensor& images, const MixedJitterOptions& options,
                        std::uint64_t seed, std::uint64_t step,
                        const std::vector<std::uint64_t>& positions) {
  if (images.size(0) != static_cast<std::int64_t>(positions.size())) {
    fail<InternalError>("jitter of {} mixed pictures of {} positions", images.size(0),
                        positions.size());
  }
  const at::NoGradGuard no_grad;
  Random of_all(seed, {kPart, of_step, step});
  const bool jitters = of_all.chance(options.color.probability);
  const bool blurs = of_all.chance(options.blur.probability);
  if (positions.empty() || !(jitters || blurs)) return images;

  const at::Tensor mean = per_channel(kImageMean, images);
  const at::Tensor deviation = per_channel(kImageDeviation, images);
  std::vector<at::Tensor> results;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    Random random(seed, {kPart, of_sample, positions[i]});
    const ColorJitter jitter = draw_color_jitter(options.color, random);
    const double sigma = random.uniform(options.blur.sigma_min, options.blur.sigma_max);
    at::Tensor image = images[static_cast<std::int64_t>(i)];
    if (jitters) image = (change_colors(image * deviation + mean, jitter) - mean) / deviation;
    if (blurs) image = blurred(image.unsqueeze(0), sigma)[0];
    results.push_back(image);
  }
  return at::stack(results);
}

}  // namespace dusk
