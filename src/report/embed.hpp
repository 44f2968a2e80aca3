#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "dusk/report/run_report.hpp"

namespace dusk {

enum class PictureKind {
  photo,   ///< shrunk smoothly
  labels,  ///< shrunk without mixing colours
  sheet,   ///< several photos side by side: as wide as the page
};

/// A PNG file as a data URI for the page, made smaller where it is wider than the page shows it. A
/// picture of one channel holds class indices and is coloured. `DataError` naming the file where it
/// cannot be decoded. A build without codecs embeds the file as it is.
[[nodiscard]] std::string embed_picture(const std::filesystem::path& path, PictureKind kind,
                                        std::span<const ReportClass> classes);

}  // namespace dusk
