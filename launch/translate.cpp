#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "dusk/data/pixel_values.hpp"
#include "dusk/data/resample.hpp"
#include "launch/map_command.hpp"

namespace dusk::launch {
namespace {

struct TranslateArguments {
  MapArguments map;
  Direction direction = Direction::forward;
  int short_side = 0;       ///< pictures are made so small before; 0: they are not
  std::string time_of_day;  ///< of the translated pictures; empty: that of the direction
};

/// Pictures by a translator, at the size of their source (spec B.5.1). No stretch of contrast.
class TranslationMap final : public PictureMap {
 public:
  TranslationMap(TranslationMethod& method, const RunContext& run,
                 const TranslateArguments& arguments)
      : method_(method), run_(run), arguments_(arguments) {}

  std::vector<MappedPicture> map(const StreamBatch& batch, const Dataset& input) override {
    const at::Tensor images = translate(run_.device.upload(batch.images));
    const at::Tensor pixels = run_.device.download(to_bytes(images).permute({0, 2, 3, 1}));
    std::vector<MappedPicture> pictures;
    for (std::size_t i = 0; i < batch.refs.size(); ++i) {
      SampleInfo info = input.info(batch.refs[i].index);
      info.has_label = info.has_depth = info.has_confidence = false;
      info.time_of_day = arguments_.time_of_day;
      pictures.push_back({.info = std::move(info), .image = pixels[static_cast<std::int64_t>(i)]});
    }
    return pictures;
  }

  /// Back to the source's size, as PIL would resize the stored 8-bit picture.
  void finish(MappedPicture& picture) override {
    const auto height = static_cast<int>(picture.image.size(0));
    const auto width = static_cast<int>(picture.image.size(1));
    if (height == picture.info.height && width == picture.info.width) return;
    const std::vector<std::uint8_t> large = resize_image(
        {picture.image.const_data_ptr<std::uint8_t>(),
         static_cast<std::size_t>(picture.image.numel())},
        height, width, picture.info.height, picture.info.width, Interpolation::bilinear);
    picture.image = torch::empty({picture.info.height, picture.info.width, 3}, torch::kUInt8);
    std::ranges::copy(large, picture.image.mutable_data_ptr<std::uint8_t>());
  }

 private:
  /// Mirrors the lower and right edge to the network's stride, and cuts the result again.
  at::Tensor translate(const at::Tensor& images) {
    const std::int64_t height = images.size(2), width = images.size(3);
    const std::int64_t stride = method_.stride();
    const auto missing = [&](std::int64_t side) { return (stride - side % stride) % stride; };
    const std::int64_t below = missing(height), right = missing(width);
    if (below >= height || right >= width)
      fail<DataError>("pictures of {}x{} pixels are too small for a network of stride {}", height,
                      width, stride);
    const at::Tensor padded =
        below + right == 0 ? images : at::reflection_pad2d(images, {0, right, 0, below});
    const AutocastScope autocast(run_.config.train.precision, run_.device.torch().type());
    return method_.translate(padded, arguments_.direction)
        .to(torch::kFloat32)
        .narrow(2, 0, height)
        .narrow(3, 0, width);
  }

  TranslationMethod& method_;
  const RunContext& run_;
  const TranslateArguments& arguments_;
};

/// What translated pictures share with their source: all that is no picture.
std::vector<Field> shared_fields(const Dataset& input) {
  std::vector<Field> fields;
  for (const Field field : {Field::label, Field::depth, Field::confidence})
    for (std::uint64_t i = 0; i < input.size(); ++i)
      if (input.info(i).has(field)) {
        fields.push_back(field);
        break;
      }
  return fields;
}

std::string name_of_direction(Direction direction) {
  return direction == Direction::forward ? "forward" : "backward";
}

void translate(const TranslateArguments& arguments, TrainedRun& run, MpiRuntime& mpi,
               Session& session, Log& log, const Program& program) {
  const ShardSet source = ShardSet::open(arguments.map.input);
  SetPlan plan = plan_for(arguments.map, source, source.labels());
  plan.provenance = [&](std::size_t shard) {
    nlohmann::json identity = set_provenance("translate", plan, shard, source, run);
    identity["direction"] = name_of_direction(arguments.direction);
    identity["short_side"] = arguments.short_side;
    identity["time_of_day"] = arguments.time_of_day;
    return identity.dump();
  };
  TranslationMap map(run.translation(), run.context(), arguments);
  const auto mine = run_map(plan, map, {"translate", arguments.map, mpi, session, log, program});
  std::optional<SetReference> reference;
  if (auto fields = shared_fields(plan.input); !fields.empty())
    reference = refer_to(source, plan.output, std::move(fields));
  publish_together(plan, mine, reference, session.control());
}

}  // namespace

void add_translate(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand(
      "translate",
      "Translates a set of shards with a trained GAN; all ranks share the work, and it continues "
      "where it was");
  auto a = std::make_shared<TranslateArguments>();
  add_map_options(*command, a->map, "of a translator", "pictures to be translated",
                  "folder for the set of translated pictures; labels stay with --input");
  command
      ->add_option("--direction", a->direction,
                   "forward: from stream 'source' to 'target' (day to night); backward")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Direction>{
          {"forward", Direction::forward}, {"backward", Direction::backward}}))
      ->default_str("forward");
  command
      ->add_option("--short-side", a->short_side,
                   "translate at this size of the shorter side and resize back; 0: as they are")
      ->check(CLI::Range(0, 16384))
      ->capture_default_str();
  command->add_option("--time-of-day", a->time_of_day,
                      "noted for every translated picture; default: night, backward: day");
  command->footer(
      "Example:\n  launch/local.sh -n 2 -- translate --run runs/unit --input shards/city --output "
      "shards/city_night --short-side 512");
  command->callback([a, &program] {
    check(a->map);
    if (a->time_of_day.empty())
      a->time_of_day = a->direction == Direction::forward ? "night" : "day";
    a->map.loader.short_side = a->short_side;
    use_run(program, a->map.run, a->map.checkpoint,
            [&](TrainedRun& run, MpiRuntime& mpi, Session& session, Log& log) {
              translate(*a, run, mpi, session, log, program);
            });
  });
}

}  // namespace dusk::launch
