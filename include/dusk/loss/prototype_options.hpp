#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/base/range.hpp"

namespace dusk {

/// Weight of a long-tail class of which both pictures show something, s being the number of classes
/// that both show (DSRNSS eq. 12; erratum 13 reads its "s + 1/s" as (s + 1) / s).
enum class PrototypeWeight { one_plus_inv, s_plus_inv, ones };

constexpr std::array<std::pair<std::string_view, PrototypeWeight>, 3> names_of(PrototypeWeight) {
  return {{{"one_plus_inv", PrototypeWeight::one_plus_inv},
           {"s_plus_inv", PrototypeWeight::s_plus_inv},
           {"ones", PrototypeWeight::ones}}};
}

/// What the weight multiplies: the cross entropy, or the similarity (eqs. 9 and 11 as printed).
enum class PrototypeWeightMode { loss, logit };

constexpr std::array<std::pair<std::string_view, PrototypeWeightMode>, 2> names_of(
    PrototypeWeightMode) {
  return {{{"loss", PrototypeWeightMode::loss}, {"logit", PrototypeWeightMode::logit}}};
}

/// To which class a cell of the feature map belongs: that of its top-left pixel, or to each by its
/// share of the cell's pixels.
enum class LabelDown { nearest, soft };

constexpr std::array<std::pair<std::string_view, LabelDown>, 2> names_of(LabelDown) {
  return {{{"nearest", LabelDown::nearest}, {"soft", LabelDown::soft}}};
}

/// Whose pixels make a prototype: those of one picture, or those of the global batch.
enum class PrototypeScope { image, batch };

constexpr std::array<std::pair<std::string_view, PrototypeScope>, 2> names_of(PrototypeScope) {
  return {{{"image", PrototypeScope::image}, {"batch", PrototypeScope::batch}}};
}

/// How features are aligned with prototypes (spec section 6).
struct PrototypeOptions {
  double tau = 0.1;
  PrototypeWeight weight_form = PrototypeWeight::one_plus_inv;
  PrototypeWeightMode weight_mode = PrototypeWeightMode::loss;
  bool weight_both_dirs = true;
  LabelDown label_down = LabelDown::nearest;
  PrototypeScope scope = PrototypeScope::image;
  std::vector<std::int64_t> long_tail{};  ///< labels; not a key: whoever knows the classes sets it
};

template <class Visitor>
void describe(Visitor& v, PrototypeOptions& o) {
  v.field("tau", o.tau, "temperature: the cosine is divided by it", positive);
  v.field("weight_form", o.weight_form,
          "of long-tail classes, s classes being in both pictures: one_plus_inv 1 + 1/s, "
          "s_plus_inv s + 1/s, ones 1");
  v.field("weight_mode", o.weight_mode, "what it multiplies: the loss, or the logit (as printed)");
  v.field("weight_both_dirs", o.weight_both_dirs,
          "false: the source's pixels weigh 1 whatever their class (weight_mode loss)");
  v.field("label_down", o.label_down,
          "class of a feature cell: nearest (its top-left pixel) or soft (shares of its area)");
  v.field("scope", o.scope, "prototypes of each image, as published, or of the global batch");
}

}  // namespace dusk
