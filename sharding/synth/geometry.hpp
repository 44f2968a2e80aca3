#pragma once

#include <algorithm>
#include <cmath>

namespace dusk::synth {

/// A point or direction in metres (x right, y up, z along the street), or a linear RGB colour.
struct Vec3 {
  float x = 0, y = 0, z = 0;

  constexpr Vec3& operator+=(Vec3 o) {
    x += o.x, y += o.y, z += o.z;
    return *this;
  }
};

constexpr Vec3 operator+(Vec3 a, Vec3 b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
constexpr Vec3 operator-(Vec3 a, Vec3 b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
constexpr Vec3 operator-(Vec3 a) {
  return {-a.x, -a.y, -a.z};
}
constexpr Vec3 operator*(Vec3 a, float s) {
  return {a.x * s, a.y * s, a.z * s};
}
constexpr Vec3 operator*(float s, Vec3 a) {
  return a * s;
}
constexpr Vec3 operator*(Vec3 a, Vec3 b) {
  return {a.x * b.x, a.y * b.y, a.z * b.z};
}
constexpr float dot(Vec3 a, Vec3 b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
constexpr Vec3 cross(Vec3 a, Vec3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline float length(Vec3 a) {
  return std::sqrt(dot(a, a));
}
inline Vec3 normalized(Vec3 a) {
  return a * (1.0F / std::max(length(a), 1e-12F));
}
constexpr Vec3 mix(Vec3 a, Vec3 b, float t) {
  return a + (b - a) * t;
}
constexpr float mix(float a, float b, float t) {
  return a + (b - a) * t;
}
constexpr float luminance(Vec3 c) {
  return 0.2126F * c.x + 0.7152F * c.y + 0.0722F * c.z;
}
inline float smoothstep(float low, float high, float x) {
  const float t = std::clamp((x - low) / (high - low), 0.0F, 1.0F);
  return t * t * (3 - 2 * t);
}

/// x to a power of two.
template <int Exponent>
constexpr float power(float x) {
  static_assert(Exponent > 0 && (Exponent & (Exponent - 1)) == 0);
  for (int i = Exponent; i > 1; i /= 2) x *= x;
  return x;
}

/// A right-angled frame standing on the ground: an object's own coordinates.
struct Frame {
  Vec3 origin, right{1, 0, 0}, up{0, 1, 0}, forward{0, 0, 1};

  [[nodiscard]] Vec3 at(float x, float y, float z) const {
    return origin + right * x + up * y + forward * z;
  }
  /// Turned about the vertical: heading 0 looks along +z, pi/2 along +x.
  static Frame upright(Vec3 origin, float heading) {
    const float s = std::sin(heading), c = std::cos(heading);
    return {origin, {c, 0, -s}, {0, 1, 0}, {s, 0, c}};
  }
};

/// A pinhole camera. Pixel centres are at integer + 0.5; depth is measured along `forward`.
struct Camera {
  Vec3 position, right{1, 0, 0}, up{0, 1, 0}, forward{0, 0, 1};
  float focal = 1, centre_x = 0, centre_y = 0;  ///< in pixels
  int width = 0, height = 0;

  /// Direction through a point of the picture, scaled to depth 1.
  [[nodiscard]] Vec3 ray(float x, float y) const {
    return forward + right * ((x - centre_x) / focal) - up * ((y - centre_y) / focal);
  }
};

}  // namespace dusk::synth
