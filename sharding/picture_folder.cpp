#include "sharding/picture_folder.hpp"

#include <algorithm>
#include <array>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "sharding/picture_header.hpp"
#include "sharding/pictures.hpp"

namespace dusk::sharding {
namespace {

namespace fs = std::filesystem;

bool is_picture(const fs::path& path) {
  static constexpr std::array<std::string_view, 3> kEndings = {".png", ".jpg", ".jpeg"};
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kEndings, ending) != kEndings.end();
}

}  // namespace

PictureFolder::PictureFolder(const fs::path& folder) : folder_(folder) {
  if (!fs::is_directory(folder)) fail<DataError>("{} is no folder of pictures", folder.string());
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && is_picture(entry.path())) files.push_back(entry.path());
  }
  if (files.empty()) fail<DataError>("{} holds no .png, .jpg or .jpeg file", folder.string());
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    const MappedFile mapped(file);
    const PictureHeader header = check_picture(mapped.bytes(), file);
    SampleInfo info;
    info.name = file.filename().string();
    info.height = header.height;
    info.width = header.width;
    infos_.push_back(std::move(info));
  }
}

const SampleInfo& PictureFolder::info(std::uint64_t index) const {
  return infos_.at(index);
}

void PictureFolder::read(Field field, std::uint64_t index, Rect window,
                         std::span<std::uint8_t> out) const {
  const SampleInfo& sample = info(index);
  if (field != Field::image) fail<DataError>("{} has no label", sample.name);
  const Picture picture = read_image(folder_ / sample.name);
  const auto row = static_cast<std::size_t>(window.width) * 3;
  for (int y = 0; y < window.height; ++y) {
    const auto* source = picture.pixels.data() + (static_cast<std::size_t>(window.y + y) *
                                                      static_cast<std::size_t>(picture.width) +
                                                  static_cast<std::size_t>(window.x)) *
                                                     3;
    std::copy_n(source, row, out.data() + static_cast<std::size_t>(y) * row);
  }
}

}  // namespace dusk::sharding
