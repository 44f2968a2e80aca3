#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/report/pictures.hpp"
#include "report/embed.hpp"
#include "report/markup.hpp"

namespace dusk {

bool has_picture_codecs() noexcept {
  return false;
}

void save_pictures(const std::filesystem::path& folder, const SamplePicture& sample,
                   std::span<const ReportClass> /*classes*/) {
  fail<ConfigError>("cannot write picture '{}' to {}: this build has no codecs (DUSK_CODECS=OFF)",
                    sample.name, folder.string());
}

void save_picture(const std::filesystem::path& path, int /*height*/, int /*width*/,
                  std::span<const std::uint8_t> /*rgb*/) {
  fail<ConfigError>("cannot write {}: this build has no codecs (DUSK_CODECS=OFF)", path.string());
}

std::string embed_picture(const std::filesystem::path& path, PictureKind /*kind*/,
                          std::span<const ReportClass> /*classes*/) {
  return png_data_uri(read_bytes(path));
}

}  // namespace dusk
