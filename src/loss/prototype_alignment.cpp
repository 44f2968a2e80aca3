#include "dusk/loss/prototype_alignment.hpp"

#include <ATen/core/ivalue.h>
#include <fmt/ranges.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <array>

#include "dusk/base/error.hpp"
#include "dusk/comm/communicator.hpp"

namespace dusk {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// An autograd node keeps it beside its tensors, hence the base class.
struct Ranks final : torch::CustomClassHolder {
  explicit Ranks(Communicator& c) : communicator(c) {}
  Communicator& communicator;
};
using RanksPtr = c10::intrusive_ptr<Ranks>;

at::Tensor sum_over(const Ranks& ranks, const at::Tensor& values, const char* what) {
  at::Tensor sum = values.contiguous().clone();
  ranks.communicator.all_reduce(sum, ReduceOp::sum, what).wait_stream();
  return sum;
}

/// The sum over ranks of a flat tensor. Its gradient is that of the sum of all ranks' losses.
class RankSum : public torch::autograd::Function<RankSum> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& values,
                            const RanksPtr& ranks) {
    context->saved_data["ranks"] = at::IValue::make_capsule(ranks);
    return sum_over(*ranks, values, "class sums of prototypes");
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto ranks = context->saved_data["ranks"].toCapsule();
    return {sum_over(static_cast<const Ranks&>(*ranks), gradients[0], "gradient of prototypes"),
            at::Tensor()};
  }
};

at::ScalarType computing_type(const at::Tensor& features) {
  return features.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

/// Unit vectors along dimension 1.
at::Tensor normalised(const at::Tensor& vectors) {
  const at::Tensor length = at::linalg_vector_norm(vectors, 2, {1}, /*keepdim=*/true);
  return vectors / length.clamp_min(1e-12);
}

/// Sums of features over the cells of each class, (M, C, K), and their numbers, (M, 1, K): M is N,
/// or 1 for the sums of a batch.
struct ClassSums {
  at::Tensor features, cells;

  [[nodiscard]] at::Tensor present() const { return cells > 0; }
  [[nodiscard]] at::Tensor prototypes() const { return features / cells.clamp_min(1); }
};

/// One side of the pairs: its cells, P of them in each picture, and what they are labelled.
struct Domain {
  at::Tensor features;   ///< (N, C, P)
  at::Tensor histogram;  ///< (N, P, K)
  ClassSums classes;
};

Domain domain_of(const at::Tensor& features, const CellLabels& labels, LabelDown down) {
  const at::ScalarType type = computing_type(features);
  Domain domain{features.flatten(2).to(type), labels.histogram.to(type), {}};
  at::Tensor membership = domain.histogram;  // (N, P, K)
  if (down == LabelDown::nearest) {
    const at::Tensor classes = at::arange(membership.size(2), labels.nearest.options());
    membership = labels.nearest.flatten(1).unsqueeze(2).eq(classes).to(type);
  }
  domain.classes = {at::matmul(domain.features, membership), membership.sum(1, /*keepdim=*/true)};
  return domain;
}

/// From sums of each picture to those of the global batch; both domains in one exchange.
void sum_over_batch(Domain& s, Domain& t, Communicator* communicator) {
  const std::array<at::Tensor*, 4> parts = {&s.classes.features, &s.classes.cells,
                                            &t.classes.features, &t.classes.cells};
  std::vector<at::Tensor> flat;
  for (at::Tensor* part : parts) {
    *part = part->sum(0, /*keepdim=*/true);
    flat.push_back(part->flatten());
  }
  if (communicator == nullptr) return;
  const at::Tensor sums = RankSum::apply(at::cat(flat), c10::make_intrusive<Ranks>(*communicator));
  std::int64_t first = 0;
  for (at::Tensor* part : parts) {
    const std::int64_t count = part->numel();
    *part = sums.narrow(0, first, count).view(part->sizes());
    first += count;
  }
}

/// W (M, 1, K) of eq. 12: 0 outside of `overlap`.
at::Tensor class_weights(const at::Tensor& overlap, const PrototypeOptions& options,
                         at::ScalarType type) {
  const at::Tensor weights = overlap.to(type);
  if (options.weight_form == PrototypeWeight::ones) return weights;
  const at::Tensor s = weights.sum(2, /*keepdim=*/true).clamp_min(1);
  const at::Tensor heavier =
      options.weight_form == PrototypeWeight::one_plus_inv ? (s + 1) / s : s + s.reciprocal();
  const at::Tensor is_tail = at::zeros({overlap.size(2)}, at::kBool);
  for (const std::int64_t label : options.long_tail) is_tail[label].fill_(true);
  return weights * at::where(is_tail.to(overlap.device()), heavier, at::ones_like(heavier));
}

/// What the two directions share: which classes count, and how much. (M, 1, K) each.
struct Weighting {
  at::Tensor overlap;
  at::Tensor weights;
};

/// Z of spec section 6, items 3 and "logit": (N, P, K) of the pixels of `a` and the prototypes of
/// `b`.
at::Tensor similarity(const Domain& a, const Domain& b, const Weighting& weighting,
                      const PrototypeOptions& options) {
  const at::Tensor pixels = normalised(a.features).transpose(1, 2);
  const at::Tensor cosine = at::matmul(pixels, normalised(b.classes.prototypes())) / options.tau;
  if (options.weight_mode == PrototypeWeightMode::logit) {
    return at::where(weighting.overlap, weighting.weights * cosine,
                     at::zeros({}, cosine.options()));
  }
  return at::where(b.classes.present(), cosine, at::full({}, -1 / options.tau, cosine.options()));
}

/// Loss of each pair, (N): pixels of `a` against prototypes of `b`. `weighted`: by class.
at::Tensor contrast(const Domain& a, const Domain& b, const Weighting& weighting, bool weighted,
                    const PrototypeOptions& options) {
  const at::Tensor entropy = -at::log_softmax(similarity(a, b, weighting, options), 2);
  const at::Tensor mass = weighted ? a.histogram * weighting.weights : a.histogram;
  const at::Tensor total = mass.sum({1, 2});
  const at::Tensor any = at::logical_and(weighting.overlap.any(2).flatten(), total > 0);
  const at::Tensor mean = (mass * entropy).sum({1, 2}) / total.clamp_min(1);
  return at::where(any, mean, at::zeros({}, mean.options()));
}

void check(const at::Tensor& features, const CellLabels& labels, const at::Tensor& other) {
  if (features.dim() == 4 && features.sizes().equals(other.sizes()) &&
      labels.nearest.size(0) == features.size(0) && labels.nearest.size(1) == features.size(2) &&
      labels.nearest.size(2) == features.size(3)) {
    return;
  }
  fail<InternalError>("prototype alignment of features {} and {} with labels of a grid {}",
                      fmt::join(features.sizes(), "x"), fmt::join(other.sizes(), "x"),
                      fmt::join(labels.nearest.sizes(), "x"));
}

}  // namespace

CellLabels cell_labels(const at::Tensor& labels, std::int64_t height, std::int64_t width,
                       std::int64_t classes) {
  if (labels.dim() != 3 || labels.size(1) < height || labels.size(2) < width) {
    fail<InternalError>("labels {} on a grid of {}x{} cells", fmt::join(labels.sizes(), "x"),
                        height, width);
  }
  const auto pixels = labels.options();
  const auto cell_of = [&](std::int64_t size, std::int64_t cells) {
    return (at::arange(size, pixels) * cells).floor_divide(size);
  };
  const auto first_of = [&](std::int64_t size, std::int64_t cells) {
    return (at::arange(cells, pixels) * size).floor_divide(cells);
  };
  const at::Tensor cell =
      cell_of(labels.size(1), height).unsqueeze(1) * width + cell_of(labels.size(2), width);
  const at::Tensor bin = (cell * (classes + 1) + labels.clamp_max(classes)).flatten(1);
  const at::Tensor counts =
      at::zeros({labels.size(0), height * width * (classes + 1)}, pixels.dtype(at::kFloat))
          .scatter_add_(1, bin, at::ones({1, 1}, pixels.dtype(at::kFloat)).expand_as(bin))
          .view({labels.size(0), height * width, classes + 1});
  return {labels.index_select(1, first_of(labels.size(1), height))
              .index_select(2, first_of(labels.size(2), width)),
          counts.narrow(2, 0, classes)};
}

LossSum prototype_alignment(const at::Tensor& features_s, const CellLabels& s,
                            const at::Tensor& features_t, const CellLabels& t,
                            const PrototypeOptions& options, Communicator* communicator) {
  check(features_s, s, features_t);
  check(features_t, t, features_s);
  Domain source = domain_of(features_s, s, options.label_down);
  Domain other = domain_of(features_t, t, options.label_down);
  if (options.scope == PrototypeScope::batch) sum_over_batch(source, other, communicator);
  const at::Tensor overlap = at::logical_and(source.classes.present(), other.classes.present());
  const Weighting weighting{overlap,
                            class_weights(overlap, options, source.features.scalar_type())};
  const bool weighted = options.weight_mode == PrototypeWeightMode::loss;
  const at::Tensor losses =
      contrast(other, source, weighting, weighted, options) +
      contrast(source, other, weighting, weighted && options.weight_both_dirs, options);
  return {losses.sum(), at::scalar_tensor(features_s.size(0), s.nearest.options())};
}

}  // namespace dusk
