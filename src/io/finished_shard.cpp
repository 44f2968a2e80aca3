#include "dusk/io/finished_shard.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dusk/base/error.hpp"
#include "io/manifest.hpp"

namespace dusk {
namespace {

using Json = nlohmann::json;

std::optional<ShardSummary> summary_if_made_from(const std::filesystem::path& path,
                                                 const std::string& identity) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    const ShardReader reader(path);
    if (reader.provenance() != identity) return std::nullopt;
    return reader.summary();
  } catch (const DataError&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<ShardSummary> find_finished_shard(const std::filesystem::path& path,
                                                const std::string& identity) {
  auto summary = summary_if_made_from(path, identity);
  if (!summary && std::filesystem::exists(path.parent_path() / kManifestName))
    fail<ConfigError>(
        "{} already holds a set whose {} was made from other pictures or with other "
        "options; choose another --output or remove that folder",
        path.parent_path().string(), path.filename().string());
  return summary;
}

std::string to_text(const std::vector<FinishedShard>& shards) {
  Json list = Json::array();
  for (const FinishedShard& shard : shards)
    list.push_back({{"number", shard.number},
                    {"kept", shard.kept},
                    {"file", shard.summary.file},
                    {"bytes", shard.summary.size.value},
                    {"checksum", shard.summary.checksum},
                    {"samples", shard.summary.samples},
                    {"labelled", shard.summary.labelled},
                    {"class_pixels", shard.summary.class_pixels},
                    {"ignored_pixels", shard.summary.ignored_pixels}});
  return list.dump();
}

std::vector<FinishedShard> parse_finished_shards(std::string_view text) {
  std::vector<FinishedShard> shards;
  for (const Json& item : Json::parse(text)) {
    FinishedShard& shard = shards.emplace_back();
    shard.number = item.at("number"), shard.kept = item.at("kept");
    shard.summary = {.file = item.at("file"),
                     .size = Bytes{item.at("bytes")},
                     .checksum = item.at("checksum"),
                     .samples = item.at("samples"),
                     .labelled = item.at("labelled"),
                     .class_pixels = item.at("class_pixels"),
                     .ignored_pixels = item.at("ignored_pixels")};
  }
  return shards;
}

std::vector<ShardSummary> in_order(std::vector<FinishedShard> shards, std::size_t count) {
  std::ranges::sort(shards, {}, &FinishedShard::number);
  std::vector<ShardSummary> summaries;
  for (FinishedShard& shard : shards) {
    if (shard.number != summaries.size()) break;
    summaries.push_back(std::move(shard.summary));
  }
  if (summaries.size() != count || shards.size() != count)
    fail<InternalError>("{} shards were made, {} expected", shards.size(), count);
  return summaries;
}

}  // namespace dusk
