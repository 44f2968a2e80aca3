#pragma once

#include "sharding/depth.hpp"
#include "sharding/synth/city.hpp"

/// Parts that layouts share.
namespace dusk::synth {

/// What a label file holds.
enum class LabelCode {
  label_ids,  ///< Cityscapes label ids, as drawn
  train_ids,  ///< of cityscapes19; 255 for all others
  camvid,     ///< of camvid11; 11 for all others
};

/// A picture and its label, as most data sets have them.
struct PictureFiles {
  std::filesystem::path image;    ///< .png or .jpg; empty: the visit has no place in the data set
  std::filesystem::path label{};  ///< empty: the data set gives none
  LabelCode code = LabelCode::train_ids;
};

/// In the order of writing.
[[nodiscard]] std::vector<std::filesystem::path> list_files(const PictureFiles& files);
void write_files(const PictureFiles& files, const Rendered& drawn);

/// `Place` says which files a visit has.
template <PictureFiles (*Place)(const CityOptions&, const Visit&)>
Layout picture_layout(std::string_view name, std::string_view summary,
                      void (*finish)(const CityOptions&, std::span<const Visit>) = nullptr) {
  return {.name = name,
          .summary = summary,
          .files = [](const CityOptions& options,
                      const Visit& visit) { return list_files(Place(options, visit)); },
          .write =
              [](const CityOptions& options, const Visit& visit) {
                Rendered drawn = render(make_scene(options, visit), options.height, options.width);
                write_files(Place(options, visit), drawn);
                return drawn;
              },
          .finish = finish};
}

/// -1, 0, 1 with the option for sequences, else 0 only.
[[nodiscard]] std::vector<int> frames_of(const CityOptions& options);

/// What a visit sees that many frames after its picture, which is frame 0.
[[nodiscard]] Scene frame_scene(const CityOptions& options, const Visit& visit, int frame);

/// Numbers of the camera as data sets give them: pixel centres are whole numbers.
[[nodiscard]] dusk::Camera published(const Camera& camera);

/// A lidar's turn that hits every `step`th pixel in both directions up to 120 m, in coordinates
/// that `from_camera` turns the camera's to; each point padded with zeros to `values` numbers.
void write_sweep(const std::filesystem::path& path, const Rendered& drawn,
                 const sharding::RigidMotion& from_camera, std::size_t values, int step = 2);

}  // namespace dusk::synth
