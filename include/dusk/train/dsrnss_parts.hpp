#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/base/range.hpp"
#include "dusk/data/photometric.hpp"

namespace dusk {

/// Options of the parts of method dsrnss (Pan et al., arXiv 2310.04747; spec section 12).

/// Which classes of a source picture are pasted onto the night: none; half of those it shows, drawn
/// anew; and with them all of its small or dynamic ones (spec section 5.1).
enum class Composite {
  paper,     ///< the same as random_small_dynamic
  released,  ///< the half, closed under the relations of the authors' code
  none,
  random,
  random_small,
  random_dynamic,
  random_small_dynamic,
};

constexpr std::array<std::pair<std::string_view, Composite>, 7> names_of(Composite) {
  return {{{"paper", Composite::paper},
           {"released", Composite::released},
           {"none", Composite::none},
           {"random", Composite::random},
           {"random+small", Composite::random_small},
           {"random+dynamic", Composite::random_dynamic},
           {"random+small+dynamic", Composite::random_small_dynamic}}};
}

struct MixOptions {
  Composite composite = Composite::paper;
  bool allow_ignore = true;
  double pseudo_threshold = 0.968;
  std::int64_t ignore_top = 0;
  std::int64_t ignore_bottom = 0;
};

template <class Visitor>
void describe(Visitor& v, MixOptions& o) {
  v.field("composite", o.composite,
          "source classes that are pasted: paper (a random half, and all small and dynamic ones), "
          "released (the half and what belongs to it), none, or parts of the paper's");
  v.field("allow_ignore", o.allow_ignore, "the ignored label counts as a class that may be drawn");
  v.field("pseudo_threshold", o.pseudo_threshold,
          "target pixels weigh as the share of them whose confidence reaches this", between(0, 1));
  v.field("ignore_top", o.ignore_top, "upper rows of the target that weigh 0", non_negative);
  v.field("ignore_bottom", o.ignore_bottom, "lower rows of the target that weigh 0", non_negative);
}

/// Colours and sharpness of mixed pictures (spec section 5.3). Whether is drawn once a step, how
/// for each picture.
struct MixedJitterOptions {
  ColorJitterOptions color{.probability = 0.8,
                           .kind = JitterKind::kornia,
                           .brightness = 0.2,
                           .contrast = 0.2,
                           .saturation = 0.2,
                           .hue = 0.2};
  BlurOptions blur{.probability = 0.5, .sigma_min = 0.15, .sigma_max = 1.15};
};

template <class Visitor>
void describe(Visitor& v, MixedJitterOptions& o) {
  v.section("color", o.color, "random changes of the colours of all mixed pictures of a step");
  v.section("blur", o.blur, "random Gaussian blur of them, after that");
}

/// The long-tail memory bank (spec section 5.4).
struct BankOptions {
  std::int64_t capacity = 3;
  std::int64_t period = 5;
  bool weight_one = true;
};

template <class Visitor>
void describe(Visitor& v, BankOptions& o) {
  v.field("capacity", o.capacity, "source batches whose long-tail objects are kept, 0: no bank",
          non_negative);
  v.field("period", o.period, "steps between two pastings of all of them", at_least(1));
  v.field("weight_one", o.weight_one, "pasted pixels weigh 1; false: as what they cover");
}

/// Correction of the night's pseudo-labels by the day's (Refign; spec section 4).
struct RefinementOptions {
  double gamma = 0.25;
  bool static_mask = true;
  bool confidence = true;
};

template <class Visitor>
void describe(Visitor& v, RefinementOptions& o) {
  v.field("gamma", o.gamma, "exponent of the night's mean entropy, the trust in the day",
          non_negative);
  v.field("static_mask", o.static_mask, "trust the day fully where both see large static classes");
  v.field("confidence", o.confidence, "use the alignment's confidence; false: 0.5 everywhere");
}

/// Classes by their names in the label space (spec section 1); the defaults are of cityscapes19.
struct ClassGroupNames {
  std::vector<std::string> large_static{"road",  "sidewalk",   "building", "wall",
                                        "fence", "vegetation", "terrain",  "sky"};
  std::vector<std::string> small{"pole", "traffic light", "traffic sign"};
  std::vector<std::string> dynamic{"person", "rider", "car",        "truck",
                                   "bus",    "train", "motorcycle", "bicycle"};
  std::vector<std::string> long_tail{"rider", "truck", "bus", "motorcycle", "bicycle"};
  std::vector<std::string> distance{"traffic light", "traffic sign", "person", "rider",
                                    "car",           "truck",        "bus",    "train",
                                    "motorcycle",    "bicycle"};
};

template <class Visitor>
void describe(Visitor& v, ClassGroupNames& o) {
  v.field("large_static", o.large_static, "where the day may correct the night fully");
  v.field("small", o.small, "small static objects, pasted always");
  v.field("dynamic", o.dynamic, "what moves, pasted always");
  v.field("long_tail", o.long_tail, "rare ones: kept in the bank, heavier in the alignment");
  v.field("distance", o.distance, "whose features stay near those of the initial backbone");
}

}  // namespace dusk
