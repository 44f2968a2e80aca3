#pragma once

#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

namespace dusk {

/// How the day picture of a pair is laid over its night picture (DSRNSS, decision of section 4.1).
enum class AlignmentMode {
  automatic,   ///< uawarpc where its weights are given, else identity
  identity,    ///< day pixels are night pixels, trusted by half
  off,         ///< day pictures are not looked at
  homography,  ///< a map for each pair, made by `dusk align`
  uawarpc,     ///< the alignment network of Refign
};

constexpr std::array<std::pair<std::string_view, AlignmentMode>, 5> names_of(AlignmentMode) {
  return {{{"auto", AlignmentMode::automatic},
           {"identity", AlignmentMode::identity},
           {"off", AlignmentMode::off},
           {"homography", AlignmentMode::homography},
           {"uawarpc", AlignmentMode::uawarpc}}};
}

struct AlignmentOptions {
  AlignmentMode mode = AlignmentMode::automatic;
  std::filesystem::path homographies = {};
  std::filesystem::path uawarpc_weights = {};
  std::filesystem::path vgg_weights = {};
};

template <class Visitor>
void describe(Visitor& v, AlignmentOptions& o) {
  v.field("mode", o.mode,
          "how day pixels are found for night pixels: identity, homography, uawarpc, off (no day "
          "pictures), or auto (uawarpc where both its weights are given, else identity)");
  v.field("homographies", o.homographies,
          "mode homography: file that dusk align has made of the target's pairs");
  v.field(
      "uawarpc_weights", o.uawarpc_weights,
      "mode uawarpc: file (.safetensors or .pth) of the alignment head, as Refign publishes it");
  v.field("vgg_weights", o.vgg_weights,
          "mode uawarpc: file (.safetensors or .pth) of VGG-16, torchvision's");
}

}  // namespace dusk
