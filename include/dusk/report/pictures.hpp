#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "dusk/report/run_report.hpp"

namespace dusk {

/// A sample with what a network made of it. `image` has height*width*3 values (RGB), `label` and
/// `prediction` height*width class indices; `label` is empty for a sample without one. Indices that
/// are no class (255: unlabelled) are drawn black.
struct SamplePicture {
  std::string name{};
  int height = 0;
  int width = 0;
  std::span<const std::uint8_t> image{};
  std::span<const std::uint8_t> label{};
  std::span<const std::uint8_t> prediction{};
};

/// Publishes `<name>.input.png`, `<name>.label.png` and `<name>.prediction.png` in `folder`, the
/// latter two in the colours of `classes`. Slashes of a name become underscores. Spans of a wrong
/// size are an `InternalError`; a build without codecs raises `ConfigError`.
void save_pictures(const std::filesystem::path& folder, const SamplePicture& sample,
                   std::span<const ReportClass> classes);

/// Publishes height*width*3 RGB values as a PNG file. Errors as `save_pictures`.
void save_picture(const std::filesystem::path& path, int height, int width,
                  std::span<const std::uint8_t> rgb);

/// Whether this build can write pictures (`DUSK_CODECS`).
[[nodiscard]] bool has_picture_codecs() noexcept;

/// A file name for a sample name: letters, digits, '.', '_' and '-' stay, everything else becomes
/// '_'; never empty, never hidden.
[[nodiscard]] std::string picture_file_stem(std::string_view sample_name);

}  // namespace dusk
