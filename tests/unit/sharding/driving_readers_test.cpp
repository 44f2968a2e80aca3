#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>

#include "unit/sharding/reader_checks.hpp"

/// BDD100K, KITTI and nuScenes; names are those that their authors publish.
namespace dusk::test {
namespace {

using namespace sharding;

/// float32 points of `values` numbers each.
void write_points(const std::filesystem::path& path,
                  const std::vector<std::vector<float>>& points) {
  std::string bytes;
  for (const auto& point : points)
    bytes.append(reinterpret_cast<const char*>(point.data()), point.size() * sizeof(float));
  replace_file(path, bytes);
}

std::uint16_t depth_at(const LoadedSample& sample, int x, int y) {
  return sample.depth.at(static_cast<std::size_t>(y * sample.info.width + x));
}

void make_bdd_tree(const TempFolder& folder) {
  unsigned seed = 0;
  for (const auto& [role, name] :
       std::vector<std::pair<std::string, std::string>>{{"train", "0a0a0b1a-7c39d841"},
                                                        {"train", "00a04f65-8c891f94"},
                                                        {"val", "7d06fefd-f7be05a6"},
                                                        {"test", "cabc9045-1b8282ba"}}) {
    write_picture(folder / ("images/10k/" + role + "/" + name + ".jpg"), ++seed);
    if (role != "test")
      write_grey(folder / ("labels/sem_seg/masks/" + role + "/" + name + ".png"),
                 striped_labels({0, 18, 255}));
  }
  folder.write("labels/det_20/det_train.json",
               R"([{"name": "0a0a0b1a-7c39d841.jpg", "attributes": {"weather": "clear",
                    "timeofday": "night"}, "labels": [{"id": "1", "attributes": {}}]},
                   {"name": "00a04f65-8c891f94.jpg", "attributes": {"timeofday": "undefined"}},
                   {"name": "7d06fefd-f7be05a6.jpg", "attributes": {"timeofday": "dawn/dusk"}}])");
}

TEST(Bdd100k, RolesTimesAndLabels) {
  const TempFolder folder;
  make_bdd_tree(folder);
  const SourceDataset dataset = list_dataset("bdd100k", {.input = folder.path()});
  EXPECT_EQ(
      lines_of(dataset),
      (Lines{"train/00a04f65-8c891f94 train . . + .", "train/0a0a0b1a-7c39d841 train night . + .",
             "val/7d06fefd-f7be05a6 val dusk . + .", "test/cabc9045-1b8282ba test . . - ."}));
  ASSERT_EQ(dataset.warnings.size(), 1U);
  expect_contains(dataset.warnings[0], "2 of 4 pictures have no known time of day");
  EXPECT_EQ(load_sample(dataset, dataset.samples[0]).label[kTreeWidth], 18);
}

TEST(Bdd100k, BadFilesAreNamed) {
  const TempFolder folder;
  make_bdd_tree(folder);
  folder.write("labels/det_20/det_val.json", R"([{"attributes": {}}])");
  expect_contains(listing_error("bdd100k", {.input = folder.path()}), "det_val.json: is no list");
  folder.write("labels/det_20/det_val.json", R"([{"name": )");
  expect_contains(listing_error("bdd100k", {.input = folder.path()}), "det_val.json: is no list");
  folder.write("labels/det_20/det_val.json",
               R"([{"name": "cabc9045-1b8282ba.jpg", "attributes": {"timeofday": "noon"}}])");
  expect_contains(listing_error("bdd100k", {.input = folder.path()}),
                  "cabc9045-1b8282ba.jpg: timeofday is 'noon'");
  std::filesystem::remove(folder / "labels/sem_seg/masks/val/7d06fefd-f7be05a6.png");
  expect_contains(listing_error("bdd100k", {.input = folder.path()}),
                  "7d06fefd-f7be05a6.png: this label is missing");
}

void make_kitti_tree(const TempFolder& folder, int labelled) {
  write_picture(folder / "picture.png", 1);
  write_grey(folder / "label.png", striped_labels({7, 26, 4}));
  const std::string picture = read_text(folder / "picture.png"),
                    label = read_text(folder / "label.png");
  for (int i = 0; i < labelled; ++i) {
    folder.write(fmt::format("training/image_2/{:06}_10.png", i), picture);
    folder.write(fmt::format("training/semantic/{:06}_10.png", i), label);
  }
  write_picture(folder / "training/image_2/000000_11.png", 77);
  write_picture(folder / "testing/image_2/000000_10.png", 78);
}

TEST(Kitti, AFifthIsForValidation) {
  const TempFolder folder;
  make_kitti_tree(folder, 200);
  const SourceDataset dataset = list_dataset("kitti", {.input = folder.path()});
  EXPECT_EQ(dataset.samples.size(), 201U);
  std::map<std::string, int> counts;
  for (const auto& sample : dataset.samples) ++counts[sample.role];
  // The share of names whose XXH3-64 is in the lowest fifth, by Python's xxhash: runs that were
  // trained on one part must not be scored on pictures of it after an update.
  EXPECT_EQ(counts["val"], 33);
  EXPECT_EQ(counts["test"], 1);
  EXPECT_EQ(by_name(dataset).at("test/000000_10").label, "");
  EXPECT_EQ(load_sample(dataset, dataset.samples[0]).label[kTreeWidth], 13);
  EXPECT_EQ(list_dataset("kitti", {.input = folder.path(), .roles = {"val"}}).samples.size(),
            static_cast<std::size_t>(counts["val"]));
}

TEST(Kitti, DisparityBecomesDepth) {
  const TempFolder folder;
  make_kitti_tree(folder, 1);
  folder.write("training/calib_cam_to_cam/000000.txt",
               "calib_time: 09-Jan-2012 13:57:47\n"
               "P_rect_02: 20 0 16 4.5 0 21 12 0.2 0 0 1 0.003\n");
  std::vector<std::uint16_t> disparity(std::size_t{kTreeHeight} * kTreeWidth);
  disparity[5] = 512;  // 2 pixels: 20 * 0.54 / 2 = 5.4 m
  disparity[6] = 1;    // 1/256 pixel: 2764.8 m, beyond what can be said
  write_grey16(folder / "training/disp_occ_0/000000_10.png", kTreeHeight, kTreeWidth, disparity);
  const SourceDataset dataset =
      list_dataset("kitti", {.input = folder.path(), .roles = {"train", "val"}});
  const LoadedSample sample = load_sample(dataset, dataset.samples.at(0));
  EXPECT_EQ(sample.info.camera, (Camera{20, 21, 16, 12}));
  ASSERT_TRUE(sample.info.has_depth);
  EXPECT_EQ(depth_at(sample, 4, 0), 0);
  EXPECT_EQ(depth_at(sample, 5, 0), 1382);  // 5.4 * 256 = 1382.4
  EXPECT_EQ(depth_at(sample, 6, 0), 65535);
  write_grey(folder / "training/disp_occ_0/000000_10.png", striped_labels({1}));
  expect_contains(loading_error(dataset, dataset.samples[0].name), "a grey PNG of 16 bits");
  write_grey16(folder / "training/disp_occ_0/000000_10.png", 1, 1, std::vector<std::uint16_t>(1));
  expect_contains(loading_error(dataset, dataset.samples[0].name),
                  "000000_10.png: 1x1 values, but its picture has 24x32");
  folder.write("training/calib_cam_to_cam/000000.txt", "P_rect_02: 20 0 16\n");
  expect_contains(listing_error("kitti", {.input = folder.path()}),
                  "000000.txt: no line P_rect_02: with 12 numbers");
  std::filesystem::remove(folder / "training/semantic/000000_10.png");
  std::filesystem::remove_all(folder / "training/calib_cam_to_cam");
  expect_contains(listing_error("kitti", {.input = folder.path()}),
                  "semantic/000000_10.png: this label is missing");
}

void make_kitti_raw_tree(const TempFolder& folder) {
  const std::string drive = "2011_09_26/2011_09_26_drive_0001_sync/";
  for (const char* frame : {"0000000000", "0000000001", "0000000003"})
    write_picture(folder / (drive + "image_02/data/" + frame + ".png"), 1);
  folder.write("2011_09_26/calib_cam_to_cam.txt",
               "R_rect_00: 1 0 0 0 1 0 0 0 1\n"
               "P_rect_02: 10 0 16 5 0 10 12 0 0 0 1 0\n");  // 0.5 m to the side
}

TEST(KittiRaw, FramesOfADriveFollowEachOther) {
  const TempFolder folder;
  make_kitti_raw_tree(folder);
  const SourceDataset dataset = list_dataset("kitti_raw", {.input = folder.path()});
  const std::string drive = "2011_09_26_drive_0001_sync";
  EXPECT_EQ(lines_of(dataset),
            (Lines{"train/" + drive + "/0000000000 train day " + drive + " - .",
                   "train/" + drive + "/0000000001 train day " + drive + " - .",
                   "train/" + drive + "/0000000003 train day " + drive + " - ."}));
  EXPECT_EQ(dataset.samples[0].previous, "");
  EXPECT_EQ(dataset.samples[0].next, "train/" + drive + "/0000000001");
  EXPECT_EQ(dataset.samples[1].previous, "train/" + drive + "/0000000000");
  EXPECT_EQ(dataset.samples[1].next, "");
  EXPECT_EQ(dataset.samples[2].previous, "");
  EXPECT_EQ(dataset.samples[2].camera, (Camera{10, 10, 16, 12}));
  EXPECT_TRUE(dataset.warnings.empty());
}

TEST(KittiRaw, LidarPointsBecomeDepth) {
  const TempFolder folder;
  make_kitti_raw_tree(folder);
  // The lidar looks along its x, y to the left, z up; it stands 1 m behind camera 0.
  folder.write("2011_09_26/calib_velo_to_cam.txt", "R: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 -1\n");
  const std::string scans = "2011_09_26/2011_09_26_drive_0001_sync/velodyne_points/data/";
  write_points(folder / (scans + "0000000000.bin"), {{11, 1.5F, 1, 0},  // the same pixel, farther
                                                     {6, 1, 0.5F, 0},   // in the picture
                                                     {11, 1.5F, 1, 0},
                                                     {1.5F, 0, 0, 0},   // too near
                                                     {6, 100, 0, 0}});  // beside it
  write_points(folder / (scans + "0000000003.bin"), {});
  const SourceDataset dataset = list_dataset("kitti_raw", {.input = folder.path()});
  const LoadedSample sample = load_sample(dataset, dataset.samples[0]);
  // Camera 2: x = -1 + 0.5, y = -0.5, z = 5; u = 16 - 1, v = 12 - 1.
  std::size_t known = 0;
  for (const std::uint16_t value : sample.depth) known += value != 0;
  EXPECT_EQ(depth_at(sample, 15, 11), 5 * 256);
  EXPECT_EQ(known, 1U);
  ASSERT_EQ(dataset.warnings.size(), 1U);
  expect_contains(dataset.warnings[0], "1 of 3 frames have no lidar sweep");
  EXPECT_FALSE(load_sample(dataset, dataset.samples[1]).info.has_depth);
  replace_file(folder / (scans + "0000000000.bin"), "12345");
  expect_contains(loading_error(dataset, dataset.samples[0].name),
                  "0000000000.bin: 5 bytes are no whole number of points of 16 bytes");
  std::filesystem::remove(folder / "2011_09_26/calib_cam_to_cam.txt");
  expect_contains(listing_error("kitti_raw", {.input = folder.path()}),
                  "calib_cam_to_cam.txt: this calibration is missing");
}

TEST(KittiRaw, TheWholeCalibrationCounts) {
  const TempFolder folder;
  make_kitti_raw_tree(folder);
  // As the authors write it: P_rect_02 R_rect_00 [R | T] X, and the third number is the depth.
  folder.write("2011_09_26/calib_velo_to_cam.txt", "R: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 -1\n");
  folder.write("2011_09_26/calib_cam_to_cam.txt",
               "R_rect_00: 0 -1 0 1 0 0 0 0 1\n"
               "P_rect_02: 10 0 16 21 0 10 12 10 0 0 1 1\n");
  const std::string scans = "2011_09_26/2011_09_26_drive_0001_sync/velodyne_points/data/";
  write_points(folder / (scans + "0000000000.bin"), {{6.5F, 0.5F, 1, 0}});
  const SourceDataset dataset = list_dataset("kitti_raw", {.input = folder.path()});
  const LoadedSample sample = load_sample(dataset, dataset.samples[0]);
  // Camera 0: (-0.5, -1, 5.5); upright: (1, -0.5, 5.5); u = (10 + 88 + 21) / 6.5 = 18.3,
  // v = (-5 + 66 + 10) / 6.5 = 10.9.
  EXPECT_EQ(depth_at(sample, 18, 10), 6.5 * 256);
}

/// Two scenes (scene-0001 by day, scene-0003 by night and of the validation part); the first has
/// two key frames with a frame between them.
void make_nuscenes_tree(const TempFolder& folder, const std::string& version = "v1.0-trainval") {
  const std::string t = version + "/";
  folder.write(t + "scene.json",
               R"([{"token": "s1", "name": "scene-0001", "description": "Parked truck"},
                   {"token": "s3", "name": "scene-0003", "description": "At Night, rain"}])");
  folder.write(t + "sample.json", R"([{"token": "k1", "scene_token": "s1"},
                                      {"token": "k2", "scene_token": "s1"},
                                      {"token": "k3", "scene_token": "s3"}])");
  folder.write(t + "sensor.json", R"([{"token": "cam", "channel": "CAM_FRONT"},
                                      {"token": "back", "channel": "CAM_BACK"},
                                      {"token": "lidar", "channel": "LIDAR_TOP"}])");
  // The camera looks along the vehicle's x: (w, x, y, z) turns z to x, x to -y.
  folder.write(t + "calibrated_sensor.json",
               R"([{"token": "c1", "sensor_token": "cam", "rotation": [0.5, -0.5, 0.5, -0.5],
                    "translation": [1.5, 0, 1], "camera_intrinsic": [[10, 0, 16], [0, 11, 12], [0, 0, 1]]},
                   {"token": "b1", "sensor_token": "back", "rotation": [1, 0, 0, 0],
                    "translation": [0, 0, 0], "camera_intrinsic": [[1, 0, 1], [0, 1, 1], [0, 0, 1]]},
                   {"token": "l1", "sensor_token": "lidar", "rotation": [1, 0, 0, 0],
                    "translation": [0.5, 0, 2], "camera_intrinsic": []}])");
  // Between sweep and picture the vehicle moves 1 m ahead along the world's y.
  folder.write(t + "ego_pose.json",
               R"([{"token": "p0", "rotation": [0.7071067811865476, 0, 0, 0.7071067811865476],
                    "translation": [100, 200, 0]},
                   {"token": "p1", "rotation": [0.7071067811865476, 0, 0, 0.7071067811865476],
                    "translation": [100, 201, 0]}])");
  const auto row = [](const char* token, const char* sample, const char* sensor, const char* pose,
                      const std::string& file, const char* previous, const char* next, bool key) {
    return fmt::format(
        R"({{"token": "{}", "sample_token": "{}", "calibrated_sensor_token": "{}",
             "ego_pose_token": "{}", "filename": "{}", "prev": "{}", "next": "{}",
             "is_key_frame": {}}})",
        token, sample, sensor, pose, file, previous, next, key);
  };
  const std::string cam = "/CAM_FRONT/n015__CAM_FRONT__";
  folder.write(
      t + "sample_data.json",
      "[" + row("d1", "k1", "c1", "p1", "samples" + cam + "1.jpg", "", "d2", true) + "," +
          row("d2", "k1", "c1", "p1", "sweeps" + cam + "2.jpg", "d1", "d3", false) + "," +
          row("d3", "k2", "c1", "p1", "samples" + cam + "3.jpg", "d2", "", true) + "," +
          row("d4", "k3", "c1", "p1", "samples" + cam + "4.jpg", "", "", true) + "," +
          row("x", "k1", "b1", "p1", "samples/CAM_BACK/x.jpg", "", "", true) + "," +
          row("l", "k1", "l1", "p0", "samples/LIDAR_TOP/n015__LIDAR_TOP__1.pcd.bin", "", "", true) +
          "]");
  for (const char* file :
       {"samples/CAM_FRONT/n015__CAM_FRONT__1.jpg", "sweeps/CAM_FRONT/n015__CAM_FRONT__2.jpg",
        "samples/CAM_FRONT/n015__CAM_FRONT__3.jpg", "samples/CAM_FRONT/n015__CAM_FRONT__4.jpg"})
    write_picture(folder / file, 1);
  // 7 m ahead of the lidar, 1 m to the left, 1 m below it.
  write_points(folder / "samples/LIDAR_TOP/n015__LIDAR_TOP__1.pcd.bin", {{7, 1, -1, 0.5F, 3}});
}

TEST(NuScenes, KeyFramesOfTheFrontCamera) {
  const TempFolder folder;
  make_nuscenes_tree(folder);
  const SourceDataset dataset = list_dataset("nuscenes", {.input = folder.path()});
  EXPECT_EQ(lines_of(dataset), (Lines{"train/n015__CAM_FRONT__1 train day scene-0001 - .",
                                      "train/n015__CAM_FRONT__3 train day scene-0001 - .",
                                      "val/n015__CAM_FRONT__4 val night scene-0003 - ."}));
  EXPECT_EQ(dataset.samples[0].camera, (Camera{10, 11, 16, 12}));
  EXPECT_EQ(dataset.samples[0].next, "");
  EXPECT_TRUE(dataset.warnings.empty());
}

TEST(NuScenes, NeighboursMakeTriples) {
  const TempFolder folder;
  make_nuscenes_tree(folder);
  const auto samples = by_name(list_dataset("nuscenes", {.input = folder.path(), .neighbours = 1}));
  ASSERT_EQ(samples.size(), 4U);
  EXPECT_EQ(samples.at("train/n015__CAM_FRONT__1").next, "train/n015__CAM_FRONT__2");
  EXPECT_EQ(samples.at("train/n015__CAM_FRONT__2").previous, "train/n015__CAM_FRONT__1");
  EXPECT_EQ(samples.at("train/n015__CAM_FRONT__2").next, "train/n015__CAM_FRONT__3");
  EXPECT_EQ(samples.at("train/n015__CAM_FRONT__3").previous, "train/n015__CAM_FRONT__2");
}

TEST(NuScenes, LidarGoesThroughTheWorldIntoThePicture) {
  const TempFolder folder;
  make_nuscenes_tree(folder);
  const SourceDataset dataset = list_dataset("nuscenes", {.input = folder.path()});
  const LoadedSample sample = load_sample(dataset, dataset.samples[0]);
  // In the vehicle at the sweep: x 7.5, y 1, z 1. At the picture: x 6.5. From the camera: 5 m
  // ahead, 1 m to the left, at its height: u = 16 - 10 / 5, v = 12.
  ASSERT_TRUE(sample.info.has_depth);
  std::map<std::pair<int, int>, int> known;
  for (int y = 0; y < kTreeHeight; ++y)
    for (int x = 0; x < kTreeWidth; ++x)
      if (depth_at(sample, x, y) != 0) known[{x, y}] = depth_at(sample, x, y);
  ASSERT_EQ(known.size(), 1U);
  EXPECT_NEAR(known.begin()->first.first, 14, 1);  // truncated on the edge of a pixel
  EXPECT_NEAR(known.begin()->first.second, 12, 1);
  EXPECT_EQ(known.begin()->second, 5 * 256);
}

TEST(NuScenes, SplitsAreTheOfficialOnes) {
  const TempFolder folder;
  make_nuscenes_tree(folder, "v1.0-mini");  // 0003 is not among its two for validation
  EXPECT_EQ(list_dataset("nuscenes", {.input = folder.path(), .roles = {"train"}}).samples.size(),
            3U);
  make_nuscenes_tree(folder, "v1.0-trainval");  // and the small one is a part of this
  EXPECT_EQ(list_dataset("nuscenes", {.input = folder.path()}).samples.size(), 3U);
  std::filesystem::rename(folder / "v1.0-trainval", folder / "v1.0-test");
  EXPECT_EQ(list_dataset("nuscenes", {.input = folder.path(), .roles = {"test"}}).samples.size(),
            3U);
}

TEST(NuScenes, ValidationHasItsHundredAndFiftyScenes) {
  // The list `val` of the authors' splits.py, one by one.
  const std::set<int> official{
      3,    12,   13,   14,   15,   16,   17,   18,   35,   36,   38,   39,   92,   93,   94,
      95,   96,   97,   98,   99,   100,  101,  102,  103,  104,  105,  106,  107,  108,  109,
      110,  221,  268,  269,  270,  271,  272,  273,  274,  275,  276,  277,  278,  329,  330,
      331,  332,  344,  345,  346,  519,  520,  521,  522,  523,  524,  552,  553,  554,  555,
      556,  557,  558,  559,  560,  561,  562,  563,  564,  565,  625,  626,  627,  629,  630,
      632,  633,  634,  635,  636,  637,  638,  770,  771,  775,  777,  778,  780,  781,  782,
      783,  784,  794,  795,  796,  797,  798,  799,  800,  802,  904,  905,  906,  907,  908,
      909,  910,  911,  912,  913,  914,  915,  916,  917,  919,  920,  921,  922,  923,  924,
      925,  926,  927,  928,  929,  930,  931,  962,  963,  966,  967,  968,  969,  971,  972,
      1059, 1060, 1061, 1062, 1063, 1064, 1065, 1066, 1067, 1068, 1069, 1070, 1071, 1072, 1073};
  ASSERT_EQ(official.size(), 150U);
  const TempFolder folder;
  make_nuscenes_tree(folder);
  std::string scenes, samples, recordings;
  for (int scene = 1; scene <= 1110; ++scene) {
    const char* comma = scene == 1 ? "" : ",";
    scenes += fmt::format(R"({}{{"token": "s{}", "name": "scene-{:04}", "description": ""}})",
                          comma, scene, scene);
    samples += fmt::format(R"({}{{"token": "k{}", "scene_token": "s{}"}})", comma, scene, scene);
    recordings += fmt::format(
        R"({}{{"token": "d{}", "sample_token": "k{}", "calibrated_sensor_token": "c1",
             "ego_pose_token": "p1", "filename": "samples/CAM_FRONT/{}.jpg", "prev": "",
             "next": "", "is_key_frame": true}})",
        comma, scene, scene, scene);
    folder.write(fmt::format("samples/CAM_FRONT/{}.jpg", scene), "");
  }
  folder.write("v1.0-trainval/scene.json", "[" + scenes + "]");
  folder.write("v1.0-trainval/sample.json", "[" + samples + "]");
  folder.write("v1.0-trainval/sample_data.json", "[" + recordings + "]");
  std::set<int> held;
  for (const auto& sample :
       list_dataset("nuscenes", {.input = folder.path(), .roles = {"val"}}).samples)
    held.insert(std::stoi(sample.image.stem().string()));
  EXPECT_EQ(held, official);
}

TEST(NuScenes, BadTablesAndMissingFilesAreNamed) {
  const TempFolder folder;
  expect_contains(listing_error("nuscenes", {.input = folder.path()}), "no tables; expected");
  make_nuscenes_tree(folder);
  std::filesystem::remove(folder / "samples/CAM_FRONT/n015__CAM_FRONT__3.jpg");
  const SourceDataset dataset = list_dataset("nuscenes", {.input = folder.path()});
  EXPECT_EQ(dataset.samples.size(), 2U);
  expect_contains(dataset.warnings.at(0), "1 of 3 key frames have no file");
  folder.write("v1.0-trainval/sample.json", R"([{"token": "k1", "scene_token": "nowhere"}])");
  expect_contains(listing_error("nuscenes", {.input = folder.path()}),
                  "sample.json: k1 is of no scene");
  folder.write("v1.0-trainval/scene.json", R"([{"token": "s1"}])");
  expect_contains(listing_error("nuscenes", {.input = folder.path()}), "scene.json: ");
  folder.write("v1.0-trainval/scene.json", "[{");
  expect_contains(listing_error("nuscenes", {.input = folder.path()}), "scene.json: ");
  std::filesystem::remove(folder / "v1.0-trainval/scene.json");
  expect_contains(listing_error("nuscenes", {.input = folder.path()}),
                  "scene.json: this table is missing");
}

TEST(NuScenes, FilesOutsideOfTheDataSetAreRefused) {
  const TempFolder folder;
  make_nuscenes_tree(folder);
  const auto path = folder / "v1.0-trainval/sample_data.json";
  std::string text = read_text(path);
  text.replace(text.find("samples/CAM_FRONT"), 17, "../../../CAM_FRO");
  replace_file(path, text);
  expect_contains(listing_error("nuscenes", {.input = folder.path()}), "which is not below it");
}

}  // namespace
}  // namespace dusk::test
