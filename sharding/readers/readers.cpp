#include "sharding/readers/readers.hpp"

#include <algorithm>
#include <set>

#include "dusk/base/error.hpp"

namespace dusk::sharding {
namespace {

constexpr std::array kReaders{
    DatasetReader{"acdc", "ACDC: night (or --condition fog, rain, snow) and its reference pictures",
                  "rgb_anon/night/{train,val,test}/SEQ/*_rgb_anon.png\n"
                  "rgb_anon/night/{train,val,test}_ref/SEQ/*_rgb_ref_anon.png\n"
                  "gt/night/{train,val}/SEQ/*_gt_labelTrainIds.png",
                  &list_acdc, "--condition"},
    DatasetReader{"bdd100k", "BDD100K, the 10k pictures with their 19 classes",
                  "images/10k/{train,val,test}/*.jpg\n"
                  "labels/sem_seg/masks/{train,val}/*.png\n"
                  "labels/det_20/det_{train,val}.json (time of day; may be absent)",
                  &list_bdd100k},
    DatasetReader{"camvid", "CamVid in its 11-class form, four sequences, one of them at dusk",
                  "{train,val,test}/SEQ_FRAME.jpg\n{train,val,test}annot/SEQ_FRAME.png",
                  &list_camvid},
    DatasetReader{"cityscapes", "Cityscapes, 19 classes, fine or coarse annotations",
                  "leftImg8bit/{train,val,test}/CITY/*_leftImg8bit.png\n"
                  "gtFine/{train,val,test}/CITY/*_gtFine_labelIds.png\n"
                  "--gt coarse: leftImg8bit/{train,train_extra,val}/..., "
                  "gtCoarse/.../*_gtCoarse_labelIds.png\n"
                  "--neighbours N: leftImg8bit_sequence/{train,val,test}/CITY/*_leftImg8bit.png\n"
                  "{camera,disparity}/ROLE/CITY/*_{camera.json,disparity.png} (camera, depth; may "
                  "be absent)",
                  &list_cityscapes, "--gt --neighbours"},
    DatasetReader{"dark_zurich", "Dark Zurich: day, twilight and night, the night-day pairs",
                  "rgb_anon/train/{day,twilight,night}/SEQ/*_rgb_anon.png\n"
                  "zurich_dn_pair_train.csv (or --pairs FILE)\n"
                  "rgb_anon/{val,test}/night/SEQ/*_rgb_anon.png\n"
                  "rgb_anon/{val,test}_ref/day/SEQ_ref/*_rgb_anon.png\n"
                  "gt/val/night/SEQ/*_gt_labelTrainIds.png",
                  &list_dark_zurich, "--pairs"},
    DatasetReader{"folder", "any tree of pictures and label PNGs, described in YAML",
                  "folder.yaml (or --layout-file FILE), see sharding/README.md", &list_folder,
                  "--layout-file --pairs"},
    DatasetReader{"kitti", "KITTI semantics, 200 labelled pictures",
                  "training/image_2/*_10.png\ntraining/semantic/*_10.png\n"
                  "testing/image_2/*_10.png\n"
                  "training/{calib_cam_to_cam/*.txt,disp_occ_0/*_10.png} (camera, depth; may be "
                  "absent)",
                  &list_kitti},
    DatasetReader{"kitti_raw", "KITTI raw, left colour camera of synchronised drives",
                  "DATE/DATE_drive_NNNN_sync/image_02/data/*.png\n"
                  "DATE/calib_cam_to_cam.txt\n"
                  "DATE/{calib_velo_to_cam.txt,DATE_drive_NNNN_sync/velodyne_points/data/*.bin} "
                  "(depth; may be absent)",
                  &list_kitti_raw},
    DatasetReader{"nexet", "NEXET, day and night by brightness; looks into every picture",
                  "nexet_2017_1/*.jpg\ntrain.csv (image_filename, lighting)", &list_nexet,
                  "--night-rule"},
    DatasetReader{"nighttime_driving", "Nighttime Driving, 50 test pictures, coarse annotations",
                  "leftImg8bit/test/night/*_leftImg8bit.png\n"
                  "gtCoarse_daytime_trainvaltest/test/night/*_gtCoarse_labelTrainIds.png",
                  &list_nighttime_driving},
    DatasetReader{"nuscenes", "nuScenes, key frames of the front camera",
                  "v1.0-{trainval,test,mini}/*.json\nsamples/CAM_FRONT/*.jpg\n"
                  "samples/LIDAR_TOP/*.pcd.bin (depth)\n--neighbours N: sweeps/CAM_FRONT/*.jpg",
                  &list_nuscenes, "--neighbours"},
    DatasetReader{"robotcar", "Oxford RobotCar, left stereo camera, straightened, 1280x640",
                  "YYYY-MM-DD-hh-mm-ss/{stereo.timestamps,stereo/left/*.png}\n"
                  "models/{stereo_wide_left.txt,stereo_wide_left_distortion_lut.bin}\n"
                  "tags/YYYY-MM-DD-hh-mm-ss.yaml (time of day; may be absent)",
                  &list_robotcar},
};

/// Options that were given and are not for all readers, as the command line names them.
std::vector<std::string_view> special_options(const ReaderOptions& options) {
  std::vector<std::string_view> given;
  if (options.annotation != Annotation::fine) given.push_back("--gt");
  if (!options.conditions.empty()) given.push_back("--condition");
  if (options.neighbours != 0) given.push_back("--neighbours");
  if (options.night_rule != NightRule::score) given.push_back("--night-rule");
  if (!options.description.empty()) given.push_back("--layout-file");
  if (!options.pairs.empty()) given.push_back("--pairs");
  return given;
}

std::string known_names() {
  std::string text;
  for (const DatasetReader& reader : kReaders)
    text.append(text.empty() ? "" : ", ").append(reader.name);
  return text;
}

}  // namespace

std::span<const DatasetReader> dataset_readers() {
  return kReaders;
}

const DatasetReader& dataset_reader(std::string_view name) {
  const auto found = std::ranges::find(kReaders, name, &DatasetReader::name);
  if (found == kReaders.end())
    fail<ConfigError>("--dataset {}: unknown; there are: {}", name, known_names());
  return *found;
}

SourceDataset list_dataset(std::string_view name, const ReaderOptions& options) {
  const DatasetReader& reader = dataset_reader(name);
  for (const std::string_view option : special_options(options))
    if (reader.options.find(option) == std::string_view::npos)
      fail<ConfigError>("{}: not an option of {}", option, name);
  SourceDataset dataset = reader.list(options);
  if (!options.only_times.empty())
    std::erase_if(dataset.samples, [&](const SourceSample& sample) {
      return std::ranges::find(options.only_times, sample.time_of_day) == options.only_times.end();
    });
  if (dataset.samples.empty())
    fail<DataError>("{}: no picture of {} is left", options.input.string(), name);
  std::set<std::string_view> listed;
  for (const SourceSample& sample : dataset.samples) listed.insert(sample.name);
  for (SourceSample& sample : dataset.samples)
    for (std::string* frame : {&sample.previous, &sample.next})
      if (!listed.contains(*frame)) frame->clear();
  return dataset;
}

}  // namespace dusk::sharding
