#include "sharding/synth/city.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "sharding/parallel.hpp"
#include "sharding/pictures.hpp"
#include "sharding/synth/render.hpp"

namespace dusk::synth {
namespace {

constexpr const char* kIdentityFile = "dusk_synth.json";
/// Raised when the same seed would give other pictures than before.
constexpr int kRendererVersion = 1;

struct Split {
  const char* role;
  const char* city;
};
constexpr std::array<Split, 3> kSplits{
    {{"train", "duskford"}, {"val", "duskham"}, {"test", "duskton"}}};

const Split& split_of(int scene, int scenes) {
  const int held = std::max(1, scenes * 15 / 100);
  return kSplits[scene < scenes - 2 * held ? 0 : scene < scenes - held ? 1 : 2];
}

std::string identity(const CityOptions& options) {
  return nlohmann::json{{"renderer", kRendererVersion}, {"seed", options.seed},
                        {"scenes", options.scenes},     {"height", options.height},
                        {"width", options.width},       {"night", options.night}}
             .dump(2) +
         "\n";
}

}  // namespace

std::vector<CityPicture> city_pictures(const CityOptions& options) {
  std::vector<CityPicture> pictures;
  for (int scene = 0; scene < options.scenes; ++scene) {
    const auto& [role, city] = split_of(scene, options.scenes);
    const std::string stem = fmt::format("{}_{:06}_000000", city, scene);
    for (const TimeOfDay time : {TimeOfDay::day, TimeOfDay::night}) {
      if (time == TimeOfDay::night && !options.night) continue;
      const auto root = options.output / (time == TimeOfDay::day ? "day" : "night");
      pictures.push_back({static_cast<std::uint64_t>(scene), time,
                          root / "leftImg8bit" / role / city / (stem + "_leftImg8bit.png"),
                          root / "gtFine" / role / city / (stem + "_gtFine_labelIds.png")});
    }
  }
  return pictures;
}

void claim_city_folder(const CityOptions& options) {
  if (options.scenes < 3) fail<ConfigError>("--scenes is {}, must be at least 3", options.scenes);
  if (options.height < 32 || options.width < 32 || options.height > 4096 || options.width > 4096)
    fail<ConfigError>("--size is {}x{}, must be 32 to 4096 pixels a side", options.height,
                      options.width);
  const auto file = options.output / kIdentityFile;
  if (!std::filesystem::exists(file)) {
    if (std::filesystem::exists(options.output) && !std::filesystem::is_empty(options.output))
      fail<ConfigError>("{} is not empty; choose another --output", options.output.string());
    make_directories(options.output);
    publish(file, identity(options));
  } else if (read_text(file) != identity(options)) {
    fail<ConfigError>("{} holds a city made with other options ({}); choose another --output",
                      options.output.string(), file.string());
  }
  std::set<std::filesystem::path> folders;
  for (const CityPicture& picture : city_pictures(options))
    folders.insert({picture.image.parent_path(), picture.label.parent_path()});
  for (const auto& folder : folders) make_directories(folder);
}

void render_city(const CityOptions& options, int rank, int size,
                 const std::function<void(std::size_t, std::size_t)>& progress) {
  std::vector<CityPicture> mine;
  const auto pictures = city_pictures(options);
  for (auto i = static_cast<std::size_t>(rank); i < pictures.size();
       i += static_cast<std::size_t>(size))
    mine.push_back(pictures[i]);
  sharding::parallel_for(mine.size(), options.threads, [&](std::size_t i) {
    const CityPicture& picture = mine[i];
    // The label is published last: where it is, the picture is, too.
    const bool kept = std::filesystem::exists(picture.label);
    if (!kept) {
      const Rendered drawn = render(make_scene(options.seed, picture.scene, picture.time),
                                    options.height, options.width);
      sharding::write_png(picture.image, drawn.height, drawn.width, 3, drawn.image);
      sharding::write_png(picture.label, drawn.height, drawn.width, 1, drawn.label_ids);
    }
    if (progress) progress(1, kept ? 1 : 0);
  });
}

}  // namespace dusk::synth
