#include "methods/dsrnss/aligner.hpp"

#include <torch/types.h>

#include <algorithm>
#include <unordered_map>

#include "dusk/base/error.hpp"
#include "dusk/io/tensor_file.hpp"
#include "dusk/nn/uawarpc.hpp"
#include "dusk/nn/vgg16.hpp"
#include "dusk/nn/warp.hpp"
#include "dusk/train/precision.hpp"

namespace dusk {
namespace {

constexpr double kHalf = 0.5;  // confidence of pixels that nothing is known of

Homography product(const Homography& a, const Homography& b) {
  Homography c{};
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 3; ++column)
      for (std::size_t k = 0; k < 3; ++k) c[3 * row + column] += a[3 * row + k] * b[3 * k + column];
  return c;
}

/// x -> scale x + move along each axis, and back.
struct AxisMaps {
  double scale_x, move_x, scale_y, move_y;

  [[nodiscard]] Homography there() const {
    return {scale_x, 0, move_x, 0, scale_y, move_y, 0, 0, 1};
  }
  [[nodiscard]] Homography back() const {
    return {1 / scale_x, 0, -move_x / scale_x, 0, 1 / scale_y, -move_y / scale_y, 0, 0, 1};
  }
};

/// From pixels of a picture of height x width to those of the crop.
AxisMaps crop_maps(const Geometry& geometry, int height, int width) {
  const double x = static_cast<double>(geometry.scaled_width) / width;
  const double y = static_cast<double>(geometry.scaled_height) / height;
  AxisMaps maps{.scale_x = x,
                .move_x = (x - 1) / 2 - geometry.left,
                .scale_y = y,
                .move_y = (y - 1) / 2 - geometry.top};
  if (geometry.flip) maps.scale_x = -x, maps.move_x = geometry.width - 1 - maps.move_x;
  return maps;
}

at::Tensor full_like(const at::Tensor& night, double value) {
  return at::full({night.size(0), 1, 1, 1}, value, night.options().dtype(at::kFloat));
}

/// Refine with day logits as they are.
class IdentityAligner final : public Aligner {
 public:
  DayAlignment align(const at::Tensor& night, const at::Tensor& /*day*/,
                     const StreamBatch& /*target*/) override {
    return {.flow = {}, .confidence = full_like(night, kHalf)};
  }
};

/// Maps that `dusk align` found in whole pictures.
class HomographyAligner final : public Aligner {
 public:
  HomographyAligner(const std::filesystem::path& path, const Device& device, Log& log)
      : path_(path), device_(device) {
    for (PairAlignment& pair : read_pair_alignments(path).pairs) {
      accepted_ += pair.accepted() ? 1U : 0U;
      const std::string name = pair.night;
      pairs_.emplace(name, std::move(pair));
    }
    log.info(
        "alignment: homographies of {} of {} pairs from {}; the others' pictures are taken as "
        "they are",
        accepted_, pairs_.size(), path.string());
  }

  DayAlignment align(const at::Tensor& night, const at::Tensor& /*day*/,
                     const StreamBatch& target) override {
    const std::int64_t count = night.size(0), height = night.size(2), width = night.size(3);
    at::Tensor maps = at::empty({count, 3, 3}, device_.host_options().dtype(at::kFloat));
    at::Tensor confidence = at::empty({count, 1, 1, 1}, device_.host_options().dtype(at::kFloat));
    for (std::int64_t i = 0; i < count; ++i) {
      const auto row = static_cast<std::size_t>(i);
      const PairAlignment& pair = find(target.names.at(row));
      const Homography map =
          pair.accepted() ? in_crop(pair, target.geometries.at(row)) : kIdentityMap;
      std::ranges::transform(map, maps.data_ptr<float>() + 9 * i,
                             [](double value) { return static_cast<float>(value); });
      confidence.data_ptr<float>()[i] = static_cast<float>(pair.confidence());
    }
    return {.flow = flow_of(device_.upload(maps), height, width),
            .confidence = device_.upload(confidence)};
  }

 private:
  [[nodiscard]] const PairAlignment& find(const std::string& night) const {
    const auto found = pairs_.find(night);
    if (found == pairs_.end())
      fail<DataError>(
          "{} knows no pair of the night picture '{}'; make it anew from the target's "
          "shards: dusk align",
          path_.string(), night);
    return found->second;
  }

  /// maps (N, 3, 3) to H p - p, (N, 2, height, width); exactly 0 for the identity. What a map takes
  /// behind the camera is far outside. No matrix product: on a GPU that may round to 10 bits.
  static at::Tensor flow_of(const at::Tensor& maps, std::int64_t height, std::int64_t width) {
    constexpr double kLeastDepth = 1e-6;
    const at::Tensor places = pixel_places(height, width, maps);
    const auto column = [&](std::int64_t i) { return maps.select(2, i).unsqueeze(2).unsqueeze(3); };
    const at::Tensor seen =
        column(0) * places.narrow(1, 0, 1) + column(1) * places.narrow(1, 1, 1) + column(2);
    return seen.narrow(1, 0, 2) / seen.narrow(1, 2, 1).clamp_min(kLeastDepth) - places;
  }

  std::filesystem::path path_;
  Device device_;
  std::unordered_map<std::string, PairAlignment> pairs_;
  std::size_t accepted_ = 0;
};

/// Refign's network, frozen.
class UaWarpCAligner final : public Aligner {
 public:
  UaWarpCAligner(const AlignmentOptions& options, const Device& device, Log& log)
      : vgg_(make_vgg16(kAlignmentVgg)), head_(make_uawarpc()) {
    load(*vgg_, options.vgg_weights, vgg_->load_policy(), log);
    load(*head_, options.uawarpc_weights, head_->load_policy(), log);
    for (torch::nn::Module* network : {static_cast<torch::nn::Module*>(vgg_.get()),
                                       static_cast<torch::nn::Module*>(head_.get())}) {
      network->eval();
      for (at::Tensor& parameter : network->parameters()) parameter.requires_grad_(false);
      network->to(device.torch());
    }
  }

  DayAlignment align(const at::Tensor& night, const at::Tensor& day,
                     const StreamBatch& /*target*/) override {
    const at::NoGradGuard no_grad;
    const AutocastScope full_precision(Precision::fp32, night.device().type());
    const Alignment found =
        head_->forward(alignment_features(*vgg_, night), alignment_features(*vgg_, day),
                       night.size(2), night.size(3));
    return {.flow = found.flow, .confidence = match_confidence(found.log_variance)};
  }

 private:
  static void load(torch::nn::Module& network, const std::filesystem::path& path,
                   const LoadPolicy& policy, Log& log) {
    const auto file = read_weights(path);
    log.info("alignment: {}", load_weights(network, *file, policy).text(path.string()));
  }

  std::shared_ptr<Vgg16> vgg_;
  std::shared_ptr<UaWarpC> head_;
};

/// What `automatic` becomes.
AlignmentMode chosen_mode(const AlignmentOptions& options, Log& log) {
  if (options.mode != AlignmentMode::automatic) return options.mode;
  if (!options.uawarpc_weights.empty() && !options.vgg_weights.empty())
    return AlignmentMode::uawarpc;
  log.warn(
      "alignment mode auto: uawarpc_weights and vgg_weights do not both name a file, so day "
      "pictures "
      "are taken as they are, WITHOUT an alignment (mode identity)");
  return AlignmentMode::identity;
}

}  // namespace

Homography in_crop(const PairAlignment& pair, const Geometry& geometry) {
  const AxisMaps maps = crop_maps(geometry, pair.height, pair.width);
  return product(maps.there(), product(pair.map, maps.back()));
}

std::unique_ptr<Aligner> make_aligner(const AlignmentOptions& options, const Device& device,
                                      Log& log) {
  switch (chosen_mode(options, log)) {
    case AlignmentMode::identity:
      return std::make_unique<IdentityAligner>();
    case AlignmentMode::homography:
      if (options.homographies.empty())
        fail<ConfigError>(
            "alignment mode homography: 'homographies' names no file; dusk align makes it");
      return std::make_unique<HomographyAligner>(options.homographies, device, log);
    case AlignmentMode::uawarpc:
      if (options.uawarpc_weights.empty() || options.vgg_weights.empty())
        fail<ConfigError>(
            "alignment mode uawarpc: 'uawarpc_weights' and 'vgg_weights' must both name a file");
      return std::make_unique<UaWarpCAligner>(options, device, log);
    case AlignmentMode::off:
    case AlignmentMode::automatic:
      break;
  }
  return nullptr;
}

}  // namespace dusk
