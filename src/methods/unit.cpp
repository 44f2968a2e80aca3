#include <torch/types.h>

#include "dusk/base/random.hpp"
#include "dusk/data/pixel_values.hpp"
#include "dusk/loss/image_losses.hpp"
#include "dusk/methods/methods.hpp"
#include "dusk/nn/unit_translator.hpp"
#include "methods/perceptual.hpp"
#include "methods/translation.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kStride = 4;
constexpr std::int64_t kLeastSide = 64;  // of the discriminators' coarsest scale

/// Tells the draws of noise of one step apart.
enum Pass : std::uint64_t {
  fakes_of_a,
  fakes_of_b,
  latents_a,
  latents_b,
  latents_aba,
  latents_bab
};

/// The pictures of a step, and what names their noise.
struct Pictures {
  const StreamBatch& stream;
  at::Tensor images;  ///< in [-1, 1]
  at::Tensor latent;  ///< mean of their latents, with its graph
};

class Unit : public TranslationMethod {
 public:
  Unit(std::shared_ptr<UnitTranslator> translator,
       std::shared_ptr<UnitDiscriminators> discriminators, std::unique_ptr<Perceptual> perceptual,
       const MethodBuild& build)
      : options_(build.run.config.translator),
        seed_(static_cast<std::uint64_t>(build.run.config.seed)),
        translator_(std::move(translator)),
        discriminators_(std::move(discriminators)),
        perceptual_(std::move(perceptual)),
        generators_part_("generators", translator_, options_.generator_optim, build.horizon,
                         build.run.communicator,
                         {.compression = build.run.config.train.gradient_compression}),
        discriminators_part_("discriminators", discriminators_, options_.discriminator_optim,
                             build.horizon, build.run.communicator,
                             {.compression = build.run.config.train.gradient_compression}) {}

  /// Spec B.5: the discriminators first, then the generators against the new discriminators.
  void step(const Batch& batch, StepContext& context) override {
    discriminators_part_.zero_grad();
    generators_part_.zero_grad();
    // The encoders are the same in both halves of the step: what they give is computed once.
    const Pictures a = encoded(batch.stream("source"), UnitDomain::a, context);
    const Pictures b = encoded(batch.stream("target"), UnitDomain::b, context);

    at::Tensor loss = discriminator_loss(a, b, context);
    discriminators_part_.arm();
    loss.backward();
    context.update(discriminators_part_);

    const FrozenScope frozen(*discriminators_);
    loss = generator_loss(a, b, context);
    generators_part_.arm();
    loss.backward();
    context.update(generators_part_);
  }

  at::Tensor translate(const at::Tensor& images, Direction direction) override {
    const at::Tensor pictures = translator_input(images, options_.channels_last);
    const at::Tensor translated = direction == Direction::forward
                                      ? decode(UnitDomain::b, encode(UnitDomain::a, pictures))
                                      : decode(UnitDomain::a, encode(UnitDomain::b, pictures));
    return from_symmetric(translated.to(at::kFloat));
  }

  [[nodiscard]] std::int64_t stride() const override { return kStride; }

  [[nodiscard]] SheetPlan sheet_plan() const override {
    return {options_.sheet_every, options_.sheet_pictures};
  }

  at::Tensor sheet(const Batch& batch, std::int64_t pictures) override {
    const auto rows = [&](const char* stream, UnitDomain own, UnitDomain other) {
      const at::Tensor& images = batch.stream(stream).images;
      const at::Tensor x = translator_input(images.narrow(0, 0, std::min(pictures, images.size(0))),
                                            options_.channels_last);
      const at::Tensor latent = encode(own, x);
      const at::Tensor translated = decode(other, latent);
      return sheet_rows(
          {x, translated, decode(own, latent), decode(own, encode(other, translated))});
    };
    return at::cat({rows("source", UnitDomain::a, UnitDomain::b),
                    rows("target", UnitDomain::b, UnitDomain::a)});
  }

  void set_training(bool training) override {
    translator_->train(training);
    discriminators_->train(training);
  }

  void visit(StateVisitor& visitor) override {
    generators_part_.visit(visitor);
    discriminators_part_.visit(visitor);
  }

 private:
  Pictures encoded(const StreamBatch& stream, UnitDomain domain, const StepContext& context) {
    const AutocastScope autocast = context.autocast();
    at::Tensor images = translator_input(stream.images, options_.channels_last);
    at::Tensor latent = encode(domain, images);
    return {stream, std::move(images), std::move(latent)};
  }

  /// Translations by the present generators, which learn nothing from this.
  at::Tensor discriminator_loss(const Pictures& a, const Pictures& b, StepContext& context) {
    const AutocastScope autocast = context.autocast();
    at::Tensor ab, ba;
    {
      const at::NoGradGuard no_grad;
      ab = decode(UnitDomain::b, noisy(a.latent, a, fakes_of_a, context));
      ba = decode(UnitDomain::a, noisy(b.latent, b, fakes_of_b, context));
    }
    WeightedLoss loss(context);
    judge(loss, UnitDomain::a, ba, a.images);
    judge(loss, UnitDomain::b, ab, b.images);
    return loss.total("discriminator_loss");
  }

  void judge(WeightedLoss& loss, UnitDomain domain, const at::Tensor& fake,
             const at::Tensor& real) {
    const double weight = options_.unit_loss.adversarial;
    for (const at::Tensor& scores : discriminators_->scores(domain, fake)) {
      loss.add("judged_fake_loss", weight, adversarial(scores, /*real=*/false));
    }
    for (const at::Tensor& scores : discriminators_->scores(domain, real)) {
      loss.add("judged_real_loss", weight, adversarial(scores, /*real=*/true));
    }
  }

  /// One draw of noise feeds both the reconstruction and the translation of a picture.
  at::Tensor generator_loss(const Pictures& a, const Pictures& b, StepContext& context) {
    const AutocastScope autocast = context.autocast();
    const UnitLossOptions& weight = options_.unit_loss;

    const at::Tensor z_a = noisy(a.latent, a, latents_a, context);
    const at::Tensor z_b = noisy(b.latent, b, latents_b, context);
    const at::Tensor ab = decode(UnitDomain::b, z_a);
    const at::Tensor ba = decode(UnitDomain::a, z_b);
    const at::Tensor h_aba = encode(UnitDomain::b, ab);
    const at::Tensor h_bab = encode(UnitDomain::a, ba);

    WeightedLoss loss(context);
    for (const auto& [domain, fake] :
         {std::pair{UnitDomain::a, ba}, std::pair{UnitDomain::b, ab}}) {
      for (const at::Tensor& scores : discriminators_->scores(domain, fake)) {
        loss.add("adversarial_loss", weight.adversarial, adversarial(scores, /*real=*/true));
      }
    }
    loss.add("reconstruction_loss", weight.reconstruction,
             absolute_error(decode(UnitDomain::a, z_a), a.images));
    loss.add("reconstruction_loss", weight.reconstruction,
             absolute_error(decode(UnitDomain::b, z_b), b.images));
    const double kl = weight.kl + (weight.kl_direct_double ? weight.cycle_kl : 0);
    loss.add("kl_loss", kl, sum_of_squares(a.latent));
    loss.add("kl_loss", kl, sum_of_squares(b.latent));
    loss.add(
        "cycle_loss", weight.cycle,
        absolute_error(decode(UnitDomain::a, noisy(h_aba, a, latents_aba, context)), a.images));
    loss.add(
        "cycle_loss", weight.cycle,
        absolute_error(decode(UnitDomain::b, noisy(h_bab, b, latents_bab, context)), b.images));
    loss.add("cycle_kl_loss", weight.cycle_kl, sum_of_squares(h_aba));
    loss.add("cycle_kl_loss", weight.cycle_kl, sum_of_squares(h_bab));
    if (perceptual_ != nullptr) {
      const double content = options_.perceptual.weight;
      loss.add("perceptual_loss", content, perceptual_->distance(ba, b.images));
      loss.add("perceptual_loss", content, perceptual_->distance(ab, a.images));
    }
    return loss.total("loss");
  }

  [[nodiscard]] LossSum adversarial(const at::Tensor& scores, bool real) const {
    return options_.unit_loss.gan == GanKind::lsgan ? least_squares_gan(scores, real)
                                                    : cross_entropy_gan(scores, real);
  }

  at::Tensor encode(UnitDomain from, const at::Tensor& x) { return translator_->encode(from, x); }
  at::Tensor decode(UnitDomain to, const at::Tensor& z) { return translator_->decode(to, z); }

  /// h + N(0, I), each sample with numbers of its own on any number of ranks.
  at::Tensor noisy(const at::Tensor& h, const Pictures& of, Pass pass, StepContext& context) const {
    return h + draw_normals(draws_of(of.stream, context, seed_, pass), h);
  }

  TranslatorOptions options_;
  std::uint64_t seed_;
  std::shared_ptr<UnitTranslator> translator_;
  std::shared_ptr<UnitDiscriminators> discriminators_;
  std::unique_ptr<Perceptual> perceptual_;
  Trainable generators_part_;
  Trainable discriminators_part_;
};

}  // namespace

std::unique_ptr<Method> make_unit(const MethodBuild& build) {
  const RunConfig& config = build.run.config;
  (void)translation_streams(config, kStride, kLeastSide);
  Random seeds(static_cast<std::uint64_t>(config.seed));
  auto translator = make_unit_translator(config.unit.translator, seeds.next());
  auto discriminators = make_unit_discriminators(config.unit.discriminator, seeds.next());
  prepare_network(*translator, config.translator.channels_last, build.run.device.torch());
  prepare_network(*discriminators, config.translator.channels_last, build.run.device.torch());
  std::unique_ptr<Perceptual> perceptual;
  if (build.for_training) {
    perceptual = make_perceptual(config.translator, build.run.device, build.run.log);
  }
  return std::make_unique<Unit>(std::move(translator), std::move(discriminators),
                                std::move(perceptual), build);
}

}  // namespace dusk
