#include "sharding/synth/mesh.hpp"

#include <array>
#include <numbers>

namespace dusk::synth {
namespace {

constexpr float kTurn = 2 * std::numbers::pi_v<float>;

/// Two directions that make a right-angled frame with `axis`.
std::array<Vec3, 2> across(Vec3 axis) {
  const Vec3 help = std::abs(axis.y) < 0.9F ? Vec3{0, 1, 0} : Vec3{1, 0, 0};
  const Vec3 u = normalized(cross(help, axis));
  return {u, normalized(cross(axis, u))};
}

}  // namespace

std::uint32_t Mesh::add_surface(Vec3 a, Vec3 b, Vec3 d, const Paint& paint) {
  Surface surface{
      .paint = paint, .normal = {}, .origin = a, .u_axis = normalized(b - a), .v_axis = {}};
  surface.normal = normalized(cross(b - a, d - a));
  surface.v_axis = cross(surface.normal, surface.u_axis);
  surface.u_size = length(b - a);
  surface.v_size = dot(d - a, surface.v_axis);
  surfaces.push_back(surface);
  return static_cast<std::uint32_t>(surfaces.size() - 1);
}

void Mesh::quad(Vec3 a, Vec3 b, Vec3 c, Vec3 d, const Paint& paint) {
  // A quad whose first edge has no length (the cap of an ellipsoid) takes its frame elsewhere.
  const bool pointed = dot(b - a, b - a) < 1e-10F;
  const auto surface = pointed ? add_surface(d, c, a, paint) : add_surface(a, b, d, paint);
  if (!pointed) triangles.push_back({a, b, c, surface});
  if (dot(c - d, c - d) > 1e-10F || pointed) triangles.push_back({a, c, d, surface});
}

void Mesh::polygon(std::span<const Vec3> corners, const Paint& paint) {
  const auto surface = add_surface(corners[0], corners[1], corners.back(), paint);
  for (std::size_t i = 1; i + 1 < corners.size(); ++i)
    triangles.push_back({corners[0], corners[i], corners[i + 1], surface});
}

void box(Mesh& mesh, const Frame& frame, Vec3 low, Vec3 high, const Paint& paint) {
  std::array<Vec3, 8> p;
  for (unsigned i = 0; i < 8; ++i)
    p[i] = frame.at((i & 1) != 0 ? high.x : low.x, (i & 2) != 0 ? high.y : low.y,
                    (i & 4) != 0 ? high.z : low.z);
  mesh.quad(p[0], p[1], p[3], p[2], paint);
  mesh.quad(p[4], p[5], p[7], p[6], paint);
  mesh.quad(p[0], p[4], p[6], p[2], paint);
  mesh.quad(p[1], p[5], p[7], p[3], paint);
  mesh.quad(p[2], p[3], p[7], p[6], paint);
  mesh.quad(p[0], p[1], p[5], p[4], paint);
}

void bar(Mesh& mesh, Vec3 a, Vec3 b, float radius_a, float radius_b, int sides,
         const Paint& paint) {
  const auto [u, v] = across(normalized(b - a));
  Vec3 last_a{}, last_b{};
  for (int i = 0; i <= sides; ++i) {
    const float angle = kTurn * static_cast<float>(i) / static_cast<float>(sides);
    const Vec3 out = u * std::cos(angle) + v * std::sin(angle);
    const Vec3 next_a = a + out * radius_a, next_b = b + out * radius_b;
    if (i > 0) mesh.quad(last_a, next_a, next_b, last_b, paint);
    last_a = next_a, last_b = next_b;
  }
}

void ellipsoid(Mesh& mesh, const Frame& frame, Vec3 half, const Paint& paint, int around,
               int rows) {
  const auto point = [&](int row, int column) {
    const float tilt = kTurn / 2 * static_cast<float>(row) / static_cast<float>(rows);
    const float turn = kTurn * static_cast<float>(column) / static_cast<float>(around);
    return frame.at(half.x * std::sin(tilt) * std::cos(turn), -half.y * std::cos(tilt),
                    half.z * std::sin(tilt) * std::sin(turn));
  };
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < around; ++column)
      mesh.quad(point(row, column), point(row, column + 1), point(row + 1, column + 1),
                point(row + 1, column), paint);
}

void plate(Mesh& mesh, Vec3 centre, Vec3 normal, float radius, int sides, const Paint& paint) {
  const auto [u, v] = across(normalized(normal));
  const auto corner = [&](int i) {
    const float angle = kTurn * static_cast<float>(i) / static_cast<float>(sides);
    return centre + u * (radius * std::cos(angle)) + v * (radius * std::sin(angle));
  };
  mesh.surfaces.push_back({.paint = paint,
                           .normal = normalized(normal),
                           .origin = centre,
                           .u_axis = u,
                           .v_axis = v,
                           .u_size = radius,
                           .v_size = radius});
  const auto surface = static_cast<std::uint32_t>(mesh.surfaces.size() - 1);
  for (int i = 0; i < sides; ++i)
    mesh.triangles.push_back({centre, corner(i), corner(i + 1), surface});
}

void ring(Mesh& mesh, Vec3 centre, Vec3 axis, float radius, float thickness, float width, int sides,
          const Paint& paint) {
  const Vec3 n = normalized(axis);
  const auto [u, v] = across(n);
  const auto point = [&](int i, float r, float side) {
    const float angle = kTurn * static_cast<float>(i) / static_cast<float>(sides);
    return centre + u * (r * std::cos(angle)) + v * (r * std::sin(angle)) + n * (side * width / 2);
  };
  const float inner = radius - thickness;
  for (int i = 0; i < sides; ++i) {
    mesh.quad(point(i, radius, -1), point(i + 1, radius, -1), point(i + 1, radius, 1),
              point(i, radius, 1), paint);
    for (const float side : {-1.0F, 1.0F})
      mesh.quad(point(i, inner, side), point(i + 1, inner, side), point(i + 1, radius, side),
                point(i, radius, side), paint);
  }
}

}  // namespace dusk::synth
