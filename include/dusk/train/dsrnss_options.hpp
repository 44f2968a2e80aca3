#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "dusk/base/range.hpp"
#include "dusk/loss/prototype_options.hpp"
#include "dusk/optim/span.hpp"
#include "dusk/train/alignment_options.hpp"
#include "dusk/train/dsrnss_parts.hpp"

namespace dusk {

/// How the backward passes of a step go: the same gradients, in two ways.
enum class DsrnssForm {
  low_memory,  ///< heads first, each graph freed as soon as nothing needs it
  direct,      ///< once through everything at the end, all graphs alive until then
};

constexpr std::array<std::pair<std::string_view, DsrnssForm>, 2> names_of(DsrnssForm) {
  return {{{"low_memory", DsrnssForm::low_memory}, {"direct", DsrnssForm::direct}}};
}

/// Alignment of features with prototypes (FPA; spec section 6).
struct FpaOptions {
  double beta = 0.1;
  double mixed_scale = 1;
  Span start = Span::steps(9664);
  bool night_grad = false;
  bool night_statistics = true;
  PrototypeOptions prototypes = {};
};

template <class Visitor>
void describe(Visitor& v, FpaOptions& o) {
  v.field("beta", o.beta, "weight of the alignment, 0: none", non_negative);
  v.field("mixed_scale", o.mixed_scale, "factor of its terms between source and mixed pictures",
          non_negative);
  v.field("start", o.start, "when it begins; published: 0.2416 of the run");
  v.field("night_grad", o.night_grad, "it trains the night's features too");
  v.field("night_statistics", o.night_statistics,
          "the pass for the night's features moves the running statistics of the student's batch "
          "norms, as in the released code; false: it takes place with these, and leaves them");
  v.section("prototypes", o.prototypes, "what is compared");
}

/// Distance of the features from those of the initial backbone (spec section 8.3).
struct FeatureDistanceOptions {
  double lambda = 0.005;
  double min_ratio = 0.75;
};

template <class Visitor>
void describe(Visitor& v, FeatureDistanceOptions& o) {
  v.field("lambda", o.lambda, "weight of the distance, 0: none; always none with refinenet",
          non_negative);
  v.field("min_ratio", o.min_ratio, "least share of a feature cell that one class covers",
          between(0, 1));
}

/// Method dsrnss (Pan et al., arXiv 2310.04747; spec section 12).
struct DsrnssOptions {
  DsrnssForm form = DsrnssForm::low_memory;
  double alpha = 1;
  double ema_momentum = 0.999;
  bool teacher_dropout = false;
  bool adapt_to_ref = false;
  AlignmentOptions alignment = {};
  RefinementOptions refinement = {};
  MixOptions mixing = {};
  MixedJitterOptions jitter = {};
  BankOptions bank = {};
  FpaOptions fpa = {};
  FeatureDistanceOptions feature_distance = {};
  ClassGroupNames classes = {};
  std::int64_t sheet_every = 0;
  std::int64_t sheet_pictures = 2;
};

template <class Visitor>
void describe(Visitor& v, DsrnssOptions& o) {
  v.field("form", o.form,
          "low_memory, or direct: the same gradients with all graphs alive until the end");
  v.field("alpha", o.alpha, "weight of the loss on mixed pictures", non_negative);
  v.field("ema_momentum", o.ema_momentum, "share of the teacher that stays in each step",
          between(0, 1));
  v.field("teacher_dropout", o.teacher_dropout,
          "the teacher's dropout and drop path are on, as in the released code");
  v.field("adapt_to_ref", o.adapt_to_ref,
          "every second step, by chance, adapts to the day pictures of the pairs");
  v.section("alignment", o.alignment, "of day and night pictures");
  v.section("refinement", o.refinement, "of the night's pseudo-labels by the day's");
  v.section("mixing", o.mixing, "of source and target");
  v.section("jitter", o.jitter, "colours and sharpness of mixed pictures");
  v.section("bank", o.bank, "memory of long-tail objects");
  v.section("fpa", o.fpa, "alignment of features with class prototypes");
  v.section("feature_distance", o.feature_distance, "from the initial backbone");
  v.section("classes", o.classes, "groups of classes, by their names in the label space");
  v.field("sheet_every", o.sheet_every, "steps between two sheets of samples, 0: none",
          non_negative);
  v.field("sheet_pictures", o.sheet_pictures, "samples on a sheet", at_least(1));
}

}  // namespace dusk
