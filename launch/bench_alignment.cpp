#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "dusk/data/pixel_values.hpp"
#include "dusk/io/tensor_file.hpp"
#include "dusk/nn/uawarpc.hpp"
#include "launch/commands.hpp"
#include "sharding/align.hpp"
#include "sharding/convert.hpp"
#include "sharding/parallel.hpp"
#include "sharding/synth/render.hpp"

namespace dusk::launch {
namespace {

using sharding::Picture;

struct AlignmentBenchArguments {
  std::filesystem::path uawarpc, vgg;
  int scenes = 40;
  std::string size = "512x1024";
  std::uint64_t seed = 1;
  int threads = 0;
  bool json = false;
};

/// How far a back-end's flow is from the true one, over pixels whose thing both pictures show.
struct EndPointError {
  double sum = 0;  // of distances, in pixels
  double within_1 = 0, within_3 = 0, pixels = 0;

  void add(double distance) {
    sum += distance, pixels += 1;
    within_1 += distance < 1 ? 1 : 0, within_3 += distance < 3 ? 1 : 0;
  }
  EndPointError& operator+=(const EndPointError& other) {
    sum += other.sum, pixels += other.pixels;
    within_1 += other.within_1, within_3 += other.within_3;
    return *this;
  }
};

struct Move {
  double x, y;
};

/// `move_at(x, y)` is what a back-end says of a night pixel.
template <class MoveAt>
EndPointError error_of(const synth::Flow& truth, const MoveAt& move_at) {
  EndPointError error;
  std::size_t i = 0;
  for (int y = 0; y < truth.height; ++y)
    for (int x = 0; x < truth.width; ++x, ++i) {
      if (truth.state[i] != synth::Flow::State::seen) continue;
      const Move move = move_at(x, y);
      error.add(std::hypot(move.x - static_cast<double>(truth.x[i]),
                           move.y - static_cast<double>(truth.y[i])));
    }
  return error;
}

EndPointError error_of(const synth::Flow& truth, const Homography& map) {
  return error_of(truth, [&map](double x, double y) -> Move {
    const double w = map[6] * x + map[7] * y + map[8];
    return {(map[0] * x + map[1] * y + map[2]) / w - x, (map[3] * x + map[4] * y + map[5]) / w - y};
  });
}

/// As near to the true flow as a homography comes, which no estimate can know.
EndPointError least_error(const synth::Flow& truth) {
  constexpr int kEvery = 8;  // of rows and columns
  std::vector<sharding::PointPair> pairs;
  for (int row = 0; row < truth.height; row += kEvery)
    for (int column = 0; column < truth.width; column += kEvery) {
      const auto i = static_cast<std::size_t>(row * truth.width + column);
      if (truth.state[i] != synth::Flow::State::seen) continue;
      const double x = column, y = row;
      pairs.push_back({.night_x = x,
                       .night_y = y,
                       .day_x = x + static_cast<double>(truth.x[i]),
                       .day_y = y + static_cast<double>(truth.y[i])});
    }
  return error_of(truth, sharding::fit_homography(pairs));
}

/// The alignment network of Refign.
class Matcher {
 public:
  Matcher(const std::filesystem::path& head, const std::filesystem::path& vgg)
      : vgg_(make_vgg16(kAlignmentVgg)), head_(make_uawarpc()) {
    load_weights(*vgg_, *read_weights(vgg), vgg_->load_policy());
    load_weights(*head_, *read_weights(head), head_->load_policy());
    head_->eval();
  }

  [[nodiscard]] EndPointError error(const Picture& night, const Picture& day,
                                    const synth::Flow& truth) const {
    const at::NoGradGuard no_grad;
    const at::Tensor flow =
        head_
            ->forward(alignment_features(*vgg_, normalised(night)),
                      alignment_features(*vgg_, normalised(day)), night.height, night.width)
            .flow.contiguous();
    const auto values = flow.accessor<float, 4>();
    return error_of(truth, [&](int x, int y) -> Move {
      return {values[0][0][y][x], values[0][1][y][x]};
    });
  }

 private:
  static at::Tensor normalised(const Picture& picture) {
    const at::Tensor bytes = torch::from_blob(const_cast<std::uint8_t*>(picture.pixels.data()),
                                              {1, picture.height, picture.width, 3}, at::kByte);
    const auto row = [](const std::array<float, 3>& values) { return at::tensor(values); };
    return ((bytes.to(at::kFloat) / 255 - row(kImageMean)) / row(kImageDeviation))
        .permute({0, 3, 1, 2})
        .contiguous();
  }

  std::shared_ptr<Vgg16> vgg_;
  std::shared_ptr<UaWarpC> head_;
};

/// Of one place, by night against by day.
struct PlaceErrors {
  bool accepted = false;
  EndPointError identity, homography, best_homography, uawarpc;
};

PlaceErrors measure_place(std::uint64_t seed, std::uint64_t index, int height, int width,
                          const Matcher* matcher) {
  const synth::Scene night = synth::make_scene(seed, index, synth::TimeOfDay::night);
  const synth::Scene day = synth::make_scene(seed, index, synth::TimeOfDay::day);
  const auto drawn = [&](const synth::Scene& scene) {
    synth::Rendered rendered = synth::render(scene, height, width);
    return Picture{height, width, 3, std::move(rendered.image)};
  };
  const Picture by_night = drawn(night), by_day = drawn(day);
  const PairAlignment found = sharding::align_pictures(by_night, by_day);
  const synth::Flow truth = synth::optical_flow(night, day, height, width);
  PlaceErrors errors{.accepted = found.accepted(),
                     .identity = error_of(truth, kIdentityMap),
                     .homography = error_of(truth, found.map),
                     .best_homography = least_error(truth),
                     .uawarpc = {}};
  if (matcher != nullptr) errors.uawarpc = matcher->error(by_night, by_day, truth);
  return errors;
}

/// `accepted_only`: places whose homography was accepted.
nlohmann::json summary(const std::vector<PlaceErrors>& places, EndPointError PlaceErrors::*of,
                       bool accepted_only) {
  EndPointError all;
  for (const PlaceErrors& place : places)
    if (place.accepted || !accepted_only) all += place.*of;
  const double pixels = std::max(all.pixels, 1.0);
  return {{"error", all.sum / pixels},
          {"within_1", all.within_1 / pixels},
          {"within_3", all.within_3 / pixels}};
}

void print(const nlohmann::json& result) {
  std::cout << fmt::format("{} of {} homographies are accepted\n", result["accepted"].get<int>(),
                           result["places"].get<int>());
  for (const char* places : {"all_places", "accepted_places"}) {
    if (!result.contains(places)) continue;
    for (const auto& [back_end, figures] : result[places].items())
      std::cout << fmt::format(
          "{:<15} {:<15} mean error {:6.2f} pixels, within 1: {:5.1f} %, within 3: {:5.1f} %\n",
          places, back_end, figures["error"].get<double>(), 100 * figures["within_1"].get<double>(),
          100 * figures["within_3"].get<double>());
  }
}

void bench_alignment(const AlignmentBenchArguments& arguments) {
  const auto size = sharding::parse_picture_size(arguments.size, "--size");
  sharding::compute_on_calling_thread();
  std::optional<Matcher> matcher;
  if (!arguments.uawarpc.empty()) matcher.emplace(arguments.uawarpc, arguments.vgg);
  // The network takes all cores for itself.
  const int threads = matcher ? 1 : sharding::choose_threads(arguments.threads, 1);
  std::vector<PlaceErrors> places(static_cast<std::size_t>(arguments.scenes));
  sharding::parallel_for(places.size(), threads, [&](std::size_t i) {
    places[i] =
        measure_place(arguments.seed, i, size.height, size.width, matcher ? &*matcher : nullptr);
  });
  nlohmann::json result{{"places", arguments.scenes},
                        {"size", arguments.size},
                        {"accepted", std::ranges::count_if(places, &PlaceErrors::accepted)}};
  for (const bool accepted : {false, true}) {
    if (accepted && std::ranges::none_of(places, &PlaceErrors::accepted)) continue;
    nlohmann::json& part = result[accepted ? "accepted_places" : "all_places"];
    part["identity"] = summary(places, &PlaceErrors::identity, accepted);
    part["homography"] = summary(places, &PlaceErrors::homography, accepted);
    part["best homography"] = summary(places, &PlaceErrors::best_homography, accepted);
    if (matcher) part["uawarpc"] = summary(places, &PlaceErrors::uawarpc, accepted);
  }
  if (arguments.json) {
    std::cout << result.dump() << std::endl;
  } else {
    print(result);
  }
}

}  // namespace

void add_bench_alignment(CLI::App& bench, Program& /*program*/) {
  auto* command = bench.add_subcommand("alignment",
                                       "End-point error of alignments between the drawn city's "
                                       "night and day, whose flow is known; a "
                                       "refused homography is the identity");
  auto a = std::make_shared<AlignmentBenchArguments>();
  auto* head = command->add_option("--uawarpc", a->uawarpc,
                                   "weights of Refign's alignment head: also measure the network");
  auto* vgg = command->add_option("--vgg", a->vgg, "weights of its VGG-16, torchvision's");
  head->needs(vgg), vgg->needs(head);
  command->add_option("--scenes", a->scenes, "places")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_option("--size", a->size, "HEIGHTxWIDTH of the pictures")->capture_default_str();
  command->add_option("--seed", a->seed, "of the city")->capture_default_str();
  command->add_option("--threads", a->threads, "default: all cores");
  command->add_flag("--json", a->json, "one JSON object on standard output");
  command->footer("Example:\n  dusk bench alignment --scenes 40 --size 512x1024");
  command->callback([a] { bench_alignment(*a); });
}

}  // namespace dusk::launch
