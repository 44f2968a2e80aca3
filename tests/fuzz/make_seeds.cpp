#include <cstdio>
#include <exception>

#include "dusk/base/files.hpp"
#include "dusk/io/safetensors.hpp"
#include "dusk/io/shard.hpp"
#include "unit/io/sample_pictures.hpp"

/// Writes well-formed inputs, from which a fuzzer starts, into FOLDER/{shard,safetensors,manifest}.
/// They are made by today's writers, so that a change of a format does not leave old ones behind.
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
}

void write_manifest(const fs::path& folder) {
  ShardSetWriter writer(folder / "set", {.samples_per_shard = 1}, test::four_classes());
  for (const char* name : {"a", "b"}) writer.add(test::make_picture(name, 4, 4).data());
  writer.finish();
  make_directories(folder / "manifest");
  publish(folder / "manifest/two_shards.json", read_text(folder / "set/manifest.json"));
  fs::remove_all(folder / "set");
}

void write_tensors(const fs::path& folder) {
  make_directories(folder / "safetensors");
  const std::array<std::byte, 24> values{};
  const std::span<const std::byte> all(values);
  write_safetensors(folder / "safetensors/three.safetensors",
                    std::vector<TensorRecord>{{"weight", DType::f32, {2, 2}, all.first(16)},
                                              {"count", DType::i64, {}, all.first(8)},
                                              {"empty", DType::u8, {3, 0}, {}}},
                    {{"format", "pt"}});
}

}  // namespace
}  // namespace dusk::fuzz

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  try {
    dusk::fuzz::write_shards(argv[1]);
    dusk::fuzz::write_manifest(argv[1]);
    dusk::fuzz::write_tensors(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
