#include <cstdio>
#include <exception>
#include <stdexcept>

#include "dusk/base/files.hpp"
#include "dusk/io/safetensors.hpp"
#include "dusk/io/shard.hpp"
#include "dusk/io/torch_file.hpp"
#include "dusk/io/zip.hpp"
#include "unit/io/sample_pictures.hpp"

/// Writes well-formed inputs, from which a fuzzer starts, into a folder for each target in FOLDER.
/// They are made by today's writers, so that a change of a format does not leave old ones behind;
/// files of Python's `torch.save` are copies of those that the unit test of it reads.
namespace dusk::fuzz {
namespace {

namespace fs = std::filesystem;

void write_shards(const fs::path& folder) {
  make_directories(folder / "shard");
  ShardWriter tiny(folder / "shard/tiny.h5", {.tile = 16}, test::four_classes());
  tiny.add(test::make_picture("a", 3, 5).data());
  tiny.finish();
  ShardWriter all(folder / "shard/all_fields.h5", {.tile = 16}, test::four_classes());
  all.add(test::with_all_fields(test::make_picture("a", 20, 24)).data());
  all.add(test::make_picture("b", 17, 16, false).data());
  all.finish();
  ShardWriter labels(folder / "shard/labels.h5", {.tile = 16}, test::four_classes());
  test::Picture unseen = test::make_picture("a", 18, 20);
  unseen.info.has_image = false;
  unseen.image.clear();
  labels.add(unseen.data());
  labels.finish();
}

void write_manifest(const fs::path& folder) {
  ShardSetWriter writer(folder / "set", {.samples_per_shard = 1}, test::four_classes());
  for (const char* name : {"a", "b"}) writer.add(test::make_picture(name, 4, 4).data());
  writer.finish();
  make_directories(folder / "manifest");
  publish(folder / "manifest/two_shards.json", read_text(folder / "set/manifest.json"));
  const ShardSet set = ShardSet::open(folder / "set");
  publish_manifest(folder / "set", set.labels(), set.shards(),
                   refer_to(set, folder / "other", {Field::depth}));
  publish(folder / "manifest/reference.json", read_text(folder / "set/manifest.json"));
  fs::remove_all(folder / "set");
}

void write_tensors(const fs::path& folder) {
  make_directories(folder / "safetensors");
  make_directories(folder / "torch");
  const std::array<std::byte, 24> values{};
  const std::span<const std::byte> all(values);
  const std::vector<TensorRecord> tensors{{"weight", DType::f32, {2, 2}, all.first(16)},
                                          {"count", DType::i64, {}, all.first(8)},
                                          {"empty", DType::u8, {3, 0}, {}}};
  write_safetensors(folder / "safetensors/three.safetensors", tensors, {{"format", "pt"}});
  write_torch(folder / "torch/three.pth", tensors);
}

/// Files of `torch.save`, the archives among them also as such, and the pickles in these.
void copy_torch_files(const fs::path& folder) {
  const fs::path golden = DUSK_GOLDEN;
  for (const char* name : {"state_stream.pth", "checkpoint_stream.pth"}) {
    publish(folder / "torch" / name, read_text(golden / name));
  }
  make_directories(folder / "zip");
  make_directories(folder / "pickle");
  for (const std::string name : {"state", "state_protocol_5", "checkpoint"}) {
    const std::string archive = read_text(golden / (name + ".pth"));
    publish(folder / "torch" / (name + ".pth"), archive);
    publish(folder / "zip" / (name + ".zip"), archive);
    const ZipArchive zip(std::as_bytes(std::span(archive)), name);
    const ZipEntry* pickle = zip.find(name + "/data.pkl");
    if (pickle == nullptr) throw std::runtime_error(name + " holds no pickle");
    publish(folder / "pickle" / (name + ".pkl"), zip.read(*pickle));
  }
}

}  // namespace
}  // namespace dusk::fuzz

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  try {
    dusk::fuzz::write_shards(argv[1]);
    dusk::fuzz::write_manifest(argv[1]);
    dusk::fuzz::write_tensors(argv[1]);
    dusk::fuzz::copy_torch_files(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
