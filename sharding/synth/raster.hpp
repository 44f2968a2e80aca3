#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "sharding/synth/mesh.hpp"

namespace dusk::synth {

inline constexpr std::uint32_t kNoSurface = 0xFFFFFFFFU;

inline constexpr int kSamples = 2;  ///< a pixel of a picture is looked at in 2 x 2 points

/// What a camera sees, a value a point; the camera's pixels are the picture's points. A fence or a
/// spoked wheel is labelled as a whole while one sees through its gaps, as annotators of Cityscapes
/// do.
struct View {
  Camera camera;
  std::vector<float> depth;            ///< metres along the optical axis; infinity for sky
  std::vector<std::uint32_t> surface;  ///< kNoSurface for sky
  std::vector<Label> label;

  /// Place of point k (row-major) of the picture's pixel (x, y).
  [[nodiscard]] std::size_t index(int x, int y, std::size_t k) const {
    return (static_cast<std::size_t>(y) * kSamples + k / kSamples) *
               static_cast<std::size_t>(camera.width) +
           static_cast<std::size_t>(x) * kSamples + k % kSamples;
  }
};

/// What a pixel shows: of the surfaces with the most frequent label, the one with most points.
struct Spot {
  Label label = Label::sky;
  std::uint32_t surface = kNoSurface;
  float depth = std::numeric_limits<float>::infinity();  ///< of the surface at (x, y)
  /// In the points' coordinates: the pixel's centre or, where the surface's plane is elsewhere
  /// there, the middle of the points that show it.
  float x = 0, y = 0;
};

/// Of equally frequent labels or surfaces the nearest wins.
[[nodiscard]] Spot winning_spot(const Mesh& mesh, const View& view, int x, int y);

[[nodiscard]] View look(const Mesh& mesh, const Camera& camera);

/// Depths seen from the sun, for shadows.
class ShadowMap {
 public:
  /// Covers `half_size` metres around `focus` with `resolution` squared texels.
  ShadowMap(const Mesh& mesh, Vec3 to_sun, Vec3 focus, float half_size, int resolution);

  /// Does the sun shine on this point? Outside the map: yes.
  [[nodiscard]] bool is_lit(Vec3 point) const;

 private:
  Vec3 right_, up_, to_sun_, focus_;
  float scale_;
  int resolution_;
  std::vector<float> nearest_;  ///< largest distance towards the sun
};

}  // namespace dusk::synth
