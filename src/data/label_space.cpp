#include "dusk/data/label_space.hpp"

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

LabelSpace make_cityscapes19() {
  return {"cityscapes19",
          {
              {"road", {128, 64, 128}, 7, 0},
              {"sidewalk", {244, 35, 232}, 8, 1},
              {"building", {70, 70, 70}, 11, 2},
              {"wall", {102, 102, 156}, 12, 3},
              {"fence", {190, 153, 153}, 13, 4},
              {"pole", {153, 153, 153}, 17, 5},
              {"traffic light", {250, 170, 30}, 19, 6},
              {"traffic sign", {220, 220, 0}, 20, 7},
              {"vegetation", {107, 142, 35}, 21, 8},
              {"terrain", {152, 251, 152}, 22, 9},
              {"sky", {70, 130, 180}, 23, 10},
              {"person", {220, 20, 60}, 24, 11},
              {"rider", {255, 0, 0}, 25, 12},
              {"car", {0, 0, 142}, 26, 13},
              {"truck", {0, 0, 70}, 27, 14},
              {"bus", {0, 60, 100}, 28, 15},
              {"train", {0, 80, 100}, 31, 16},
              {"motorcycle", {0, 0, 230}, 32, 17},
              {"bicycle", {119, 11, 32}, 33, 18},
          }};
}

LabelSpace make_camvid11() {
  return {"camvid11",
          {
              {"sky", {128, 128, 128}, 23, 10},
              {"building", {128, 0, 0}, 11, 2},
              {"pole", {192, 192, 128}, 17, 5},
              {"road", {128, 64, 128}, 7, 0},
              {"pavement", {60, 40, 222}, 8, 1},
              {"tree", {128, 128, 0}, 21, 8},
              {"sign/symbol", {192, 128, 128}, 20, 7},
              {"fence", {64, 64, 128}, 13, 4},
              {"car", {64, 0, 128}, 26, 13},
              {"pedestrian", {64, 64, 0}, 24, 11},
              {"bicyclist", {0, 128, 192}, 25, 12},
          }};
}

}  // namespace

const LabelSpace& label_space(std::string_view name) {
  static const std::array<LabelSpace, 2> spaces = {make_cityscapes19(), make_camvid11()};
  std::string known;
  for (const LabelSpace& space : spaces) {
    if (space.name == name) return space;
    known += (known.empty() ? "" : ", ") + space.name;
  }
  fail<ConfigError>("unknown label space '{}', known are: {}", name, known);
}

LabelMap label_ids_to_train_ids(const LabelSpace& space) {
  LabelMap map;
  map.fill(LabelSpace::ignore);
  for (std::size_t index = 0; index < space.classes.size(); ++index) {
    const ClassInfo& info = space.classes[index];
    std::uint8_t& entry = map.at(static_cast<std::size_t>(info.cityscapes_id));
    if (entry != LabelSpace::ignore)
      fail<ConfigError>("label space '{}': classes '{}' and '{}' share the Cityscapes id {}",
                        space.name, space.classes[entry].name, info.name, info.cityscapes_id);
    entry = static_cast<std::uint8_t>(index);
  }
  return map;
}

LabelMap train_ids_to_label_ids(const LabelSpace& space) {
  LabelMap map{};
  for (std::size_t index = 0; index < space.classes.size(); ++index)
    map.at(index) = static_cast<std::uint8_t>(space.classes[index].cityscapes_id);
  return map;
}

void map_labels(const LabelMap& map, std::span<std::uint8_t> labels) {
  for (std::uint8_t& label : labels) label = map[label];
}

}  // namespace dusk
