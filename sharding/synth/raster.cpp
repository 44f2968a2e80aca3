#include "sharding/synth/raster.hpp"

#include <array>

#include "sharding/synth/material.hpp"

namespace dusk::synth {
namespace {

constexpr float kNear = 0.25F;  ///< metres; what is nearer to the camera is cut away

/// A corner on the picture plane. `nearness` is linear over the plane and grows towards the viewer.
struct Corner {
  float x, y, nearness;
};

/// Narrows [from, to] to where value + slope * x >= 0.
void narrow(float value, float slope, float& from, float& to) {
  if (slope > 0) {
    from = std::max(from, -value / slope);
  } else if (slope < 0) {
    to = std::min(to, -value / slope);
  } else if (value < 0) {
    to = from - 1;
  }
}

/// Calls visit(x, y, nearness) for all pixel centres inside a triangle of a width x height picture.
template <class Visit>
void fill_triangle(const std::array<Corner, 3>& c, int width, int height, Visit&& visit) {
  const float area = (c[1].x - c[0].x) * (c[2].y - c[0].y) - (c[2].x - c[0].x) * (c[1].y - c[0].y);
  if (!(std::abs(area) > 1e-6F)) return;
  const auto [low_x, high_x] = std::minmax({c[0].x, c[1].x, c[2].x});
  const auto [low_y, high_y] = std::minmax({c[0].y, c[1].y, c[2].y});
  const auto first = [](float value) { return static_cast<int>(std::max(value - 0.5F, -1.0F)); };
  const auto last = [](float value, int size) {
    return static_cast<int>(std::min(value + 0.5F, static_cast<float>(size)));
  };
  const int x0 = std::max(first(low_x), 0), x1 = std::min(last(high_x, width), width - 1);
  const int y0 = std::max(first(low_y), 0), y1 = std::min(last(high_y, height), height - 1);
  // Barycentric weights and nearness are affine over the picture: value = base + x dx + y dy.
  const float scale = 1 / area;
  const float b_dx = (c[2].y - c[0].y) * scale, b_dy = -(c[2].x - c[0].x) * scale;
  const float g_dx = -(c[1].y - c[0].y) * scale, g_dy = (c[1].x - c[0].x) * scale;
  const float b_near = c[1].nearness - c[0].nearness, g_near = c[2].nearness - c[0].nearness;
  for (int y = y0; y <= y1; ++y) {
    const float py = static_cast<float>(y) + 0.5F - c[0].y;
    const float b0 = py * b_dy + (0.5F - c[0].x) * b_dx, g0 = py * g_dy + (0.5F - c[0].x) * g_dx;
    // The row's pixels inside: where b, g and 1 - b - g are all positive.
    float from = static_cast<float>(x0), to = static_cast<float>(x1);
    narrow(b0, b_dx, from, to), narrow(g0, g_dx, from, to);
    narrow(1 - b0 - g0, -b_dx - g_dx, from, to);
    const float row = c[0].nearness + b0 * b_near + g0 * g_near;
    const float slope = b_dx * b_near + g_dx * g_near;
    const int end = static_cast<int>(std::floor(to));
    for (int x = static_cast<int>(std::ceil(from)); x <= end; ++x)
      visit(x, y, row + static_cast<float>(x) * slope);
  }
}

/// Cuts a triangle (in camera coordinates) at the near plane; returns 0, 3 or 4 corners.
int clip_near(const std::array<Vec3, 3>& in, std::array<Vec3, 4>& out) {
  int count = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const Vec3 a = in[i], b = in[(i + 1) % 3];
    if (a.z >= kNear) out[static_cast<std::size_t>(count++)] = a;
    if ((a.z >= kNear) != (b.z >= kNear))
      out[static_cast<std::size_t>(count++)] = mix(a, b, (kNear - a.z) / (b.z - a.z));
  }
  return count;
}

class Painter {
 public:
  Painter(const Mesh& mesh, View& view)
      : mesh_(mesh), view_(view), label_depth_(view.depth.size(), kSky) {}

  void draw(const Triangle& triangle) {
    const Camera& camera = view_.camera;
    const auto to_camera = [&](Vec3 p) {
      const Vec3 d = p - camera.position;
      return Vec3{dot(d, camera.right), dot(d, camera.up), dot(d, camera.forward)};
    };
    std::array<Vec3, 4> cut;
    const int corners =
        clip_near({to_camera(triangle.a), to_camera(triangle.b), to_camera(triangle.c)}, cut);
    const auto corner = [&](int i) {
      const Vec3 p = cut[static_cast<std::size_t>(i)];
      const float inverse = 1 / p.z;
      return Corner{camera.centre_x + camera.focal * p.x * inverse,
                    camera.centre_y - camera.focal * p.y * inverse, inverse};
    };
    for (int i = 1; i + 1 < corners; ++i)
      fill_triangle(
          {corner(0), corner(i), corner(i + 1)}, camera.width, camera.height,
          [&](int x, int y, float nearness) { visit(x, y, 1 / nearness, triangle.surface); });
  }

 private:
  static constexpr float kSky = std::numeric_limits<float>::infinity();

  void visit(int x, int y, float depth, std::uint32_t index) {
    const auto pixel = static_cast<std::size_t>(y) * static_cast<std::size_t>(view_.camera.width) +
                       static_cast<std::size_t>(x);
    const bool colored = depth < view_.depth[pixel], labelled = depth < label_depth_[pixel];
    if (!colored && !labelled) return;
    const Surface& surface = mesh_.surfaces[index];
    const Material material = surface.paint.material;
    const Camera& camera = view_.camera;
    const bool gap = has_gaps(material) &&
                     is_gap(surface, camera.position + camera.ray(static_cast<float>(x) + 0.5F,
                                                                  static_cast<float>(y) + 0.5F) *
                                                           depth);
    if (labelled && (!gap || labels_gaps(material)))
      view_.label[pixel] = surface.paint.label, label_depth_[pixel] = depth;
    if (colored && !gap) view_.depth[pixel] = depth, view_.surface[pixel] = index;
  }

  const Mesh& mesh_;
  View& view_;
  std::vector<float> label_depth_;
};

}  // namespace

View look(const Mesh& mesh, const Camera& camera) {
  const auto pixels =
      static_cast<std::size_t>(camera.width) * static_cast<std::size_t>(camera.height);
  View view{camera, std::vector<float>(pixels, std::numeric_limits<float>::infinity()),
            std::vector<std::uint32_t>(pixels, kNoSurface), std::vector<Label>(pixels, Label::sky)};
  Painter painter(mesh, view);
  for (const Triangle& triangle : mesh.triangles) painter.draw(triangle);
  return view;
}

Spot winning_spot(const Mesh& mesh, const View& view, int x, int y) {
  constexpr std::size_t kPoints = static_cast<std::size_t>(kSamples) * kSamples;
  std::array<std::size_t, kPoints> at{};
  for (std::size_t k = 0; k < kPoints; ++k) at[k] = view.index(x, y, k);
  // The point that most others are the `same` as; of equally common ones the nearest.
  const auto most_common = [&](auto&& same) {
    std::size_t best = at[0];
    int most = -1;
    for (const std::size_t a : at) {
      int votes = 0;
      for (const std::size_t b : at) votes += same(a, b) ? 1 : 0;
      if (votes > most || (votes == most && view.depth[a] < view.depth[best]))
        best = a, most = votes;
    }
    return best;
  };
  Spot spot;
  spot.label =
      view.label[most_common([&](auto a, auto b) { return view.label[a] == view.label[b]; })];
  spot.surface = view.surface[most_common([&](auto a, auto b) {
    return view.label[a] == spot.label && view.label[b] == spot.label &&
           view.surface[a] == view.surface[b];
  })];
  const auto ray_to_surface = [&](float px, float py) {
    spot.x = px, spot.y = py;
    if (spot.surface == kNoSurface) return;
    const Surface& surface = mesh.surfaces[spot.surface];
    spot.depth = dot(surface.normal, surface.origin - view.camera.position) /
                 dot(surface.normal, view.camera.ray(px, py));
  };
  constexpr float kHalf = kSamples / 2.0F;
  ray_to_surface(static_cast<float>(x * kSamples) + kHalf,
                 static_cast<float>(y * kSamples) + kHalf);
  if (spot.surface == kNoSurface) return spot;
  float nearest = std::numeric_limits<float>::infinity(), farthest = 0;
  float count = 0, middle_x = 0, middle_y = 0;
  for (std::size_t k = 0; k < kPoints; ++k) {
    if (view.surface[at[k]] != spot.surface) continue;
    nearest = std::min(nearest, view.depth[at[k]]),
    farthest = std::max(farthest, view.depth[at[k]]);
    count += 1;
    middle_x += static_cast<float>(x * kSamples + static_cast<int>(k) % kSamples) + 0.5F;
    middle_y += static_cast<float>(y * kSamples + static_cast<int>(k) / kSamples) + 0.5F;
  }
  // The plane of a surface seen edge-on may be anywhere beside the points that show it.
  constexpr float kBeside = 1.1F;
  if (spot.depth < nearest / kBeside || spot.depth > farthest * kBeside)
    ray_to_surface(middle_x / count, middle_y / count);
  return spot;
}

ShadowMap::ShadowMap(const Mesh& mesh, Vec3 to_sun, Vec3 focus, float half_size, int resolution)
    : to_sun_(normalized(to_sun)),
      focus_(focus),
      scale_(static_cast<float>(resolution) / (2 * half_size)),
      resolution_(resolution),
      nearest_(static_cast<std::size_t>(resolution) * static_cast<std::size_t>(resolution),
               -std::numeric_limits<float>::infinity()) {
  right_ = normalized(cross({0, 1, 0}, to_sun_));
  up_ = cross(to_sun_, right_);
  const float middle = static_cast<float>(resolution) / 2;
  const auto corner = [&](Vec3 p) {
    const Vec3 d = p - focus_;
    return Corner{middle + dot(d, right_) * scale_, middle - dot(d, up_) * scale_, dot(d, to_sun_)};
  };
  for (const Triangle& triangle : mesh.triangles) {
    const Surface& surface = mesh.surfaces[triangle.surface];
    const bool gaps = has_gaps(surface.paint.material);
    fill_triangle(
        {corner(triangle.a), corner(triangle.b), corner(triangle.c)}, resolution, resolution,
        [&](int x, int y, float nearness) {
          float& nearest =
              nearest_[static_cast<std::size_t>(y) * static_cast<std::size_t>(resolution) +
                       static_cast<std::size_t>(x)];
          if (nearness <= nearest) return;
          const Vec3 point = focus_ + right_ * ((static_cast<float>(x) + 0.5F - middle) / scale_) -
                             up_ * ((static_cast<float>(y) + 0.5F - middle) / scale_) +
                             to_sun_ * nearness;
          if (!gaps || !is_gap(surface, point)) nearest = nearness;
        });
  }
}

bool ShadowMap::is_lit(Vec3 point) const {
  const Vec3 d = point - focus_;
  const float middle = static_cast<float>(resolution_) / 2;
  const auto x = static_cast<int>(std::floor(middle + dot(d, right_) * scale_));
  const auto y = static_cast<int>(std::floor(middle - dot(d, up_) * scale_));
  if (x < 0 || y < 0 || x >= resolution_ || y >= resolution_) return true;
  const float nearest =
      nearest_[static_cast<std::size_t>(y) * static_cast<std::size_t>(resolution_) +
               static_cast<std::size_t>(x)];
  constexpr float kTolerance = 0.12F;  // metres; about a texel
  return dot(d, to_sun_) > nearest - kTolerance;
}

}  // namespace dusk::synth
