#include <torch/types.h>

#include <array>
#include <optional>

#include "dusk/base/random.hpp"
#include "dusk/data/pixel_values.hpp"
#include "dusk/loss/image_losses.hpp"
#include "dusk/methods/methods.hpp"
#include "dusk/nn/cyclegan.hpp"
#include "methods/image_pool.hpp"
#include "methods/translation.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kStride = 4;
constexpr std::int64_t kLeastSide = 32;  // of the discriminator

/// Both directions: what one optimizer updates. Names `a_to_b.model.1.weight`, ...
struct Generators : torch::nn::Module {
  Generators(std::shared_ptr<CycleGanGenerator> forward,
             std::shared_ptr<CycleGanGenerator> backward)
      : a_to_b(register_module("a_to_b", std::move(forward))),
        b_to_a(register_module("b_to_a", std::move(backward))) {}

  std::shared_ptr<CycleGanGenerator> a_to_b, b_to_a;
};

/// By the domain whose pictures they know. Names `a.model.0.weight`, ...
struct Discriminators : torch::nn::Module {
  Discriminators(std::shared_ptr<PatchDiscriminator> of_a, std::shared_ptr<PatchDiscriminator> of_b)
      : a(register_module("a", std::move(of_a))), b(register_module("b", std::move(of_b))) {}

  std::shared_ptr<PatchDiscriminator> a, b;
};

/// The translations of one domain on their way to the discriminator: those of all ranks, where the
/// pool wants them.
struct Fakes {
  at::Tensor own;                       ///< (n, 3, H, W) of this rank
  std::optional<PendingTensor> global;  ///< (N, 3, H, W), none without a pool
};

class CycleGan : public TranslationMethod {
 public:
  CycleGan(std::shared_ptr<Generators> generators, std::shared_ptr<Discriminators> discriminators,
           std::array<ImagePool, 2> pools, const MethodBuild& build)
      : options_(build.run.config.translator),
        generators_(std::move(generators)),
        discriminators_(std::move(discriminators)),
        pool_of_a_(std::move(pools[0])),
        pool_of_b_(std::move(pools[1])),
        generators_part_("generators", generators_, options_.generator_optim, build.horizon,
                         build.run.communicator,
                         {.compression = build.run.config.train.gradient_compression}),
        discriminators_part_("discriminators", discriminators_, options_.discriminator_optim,
                             build.horizon, build.run.communicator,
                             {.compression = build.run.config.train.gradient_compression}) {}

  /// Spec I.5: the generators against the present discriminators, then the discriminators against
  /// these translations and older ones.
  void step(const Batch& batch, StepContext& context) override {
    const StreamBatch& source = batch.stream("source");
    const StreamBatch& target = batch.stream("target");
    const at::Tensor a = translator_input(source.images, options_.channels_last);
    const at::Tensor b = translator_input(target.images, options_.channels_last);
    Fakes fake_a, fake_b;
    {
      const FrozenScope frozen(*discriminators_);
      generators_part_.zero_grad();
      const at::Tensor loss = generator_loss(a, b, fake_a, fake_b, context);
      gather(fake_a, "translations to domain a", context);
      gather(fake_b, "translations to domain b", context);
      generators_part_.arm();
      loss.backward();
      context.update(generators_part_);
    }
    // A translation to B is of a picture of A, whose place in the run it has.
    const at::Tensor shown_a = exchange(pool_of_a_, fake_a, target, context);
    const at::Tensor shown_b = exchange(pool_of_b_, fake_b, source, context);

    discriminators_part_.zero_grad();
    const at::Tensor loss = discriminator_loss(a, b, shown_a, shown_b, context);
    discriminators_part_.arm();
    loss.backward();
    context.update(discriminators_part_);
  }

  at::Tensor translate(const at::Tensor& images, Direction direction) override {
    auto& generator = direction == Direction::forward ? *generators_->a_to_b : *generators_->b_to_a;
    const at::Tensor pictures = translator_input(images, options_.channels_last);
    return from_symmetric(generator.forward(pictures).to(at::kFloat));
  }

  [[nodiscard]] std::int64_t stride() const override { return kStride; }

  [[nodiscard]] SheetPlan sheet_plan() const override {
    return {options_.sheet_every, options_.sheet_pictures};
  }

  /// Without a decoder for a domain of its own, the reconstruction is what the generator into that
  /// domain makes of the picture: the identity term's.
  at::Tensor sheet(const Batch& batch, std::int64_t pictures) override {
    const auto rows = [&](const char* stream, CycleGanGenerator& there, CycleGanGenerator& back) {
      const at::Tensor& images = batch.stream(stream).images;
      const at::Tensor x = translator_input(images.narrow(0, 0, std::min(pictures, images.size(0))),
                                            options_.channels_last);
      const at::Tensor translated = there.forward(x);
      return sheet_rows({x, translated, back.forward(x), back.forward(translated)});
    };
    return at::cat({rows("source", *generators_->a_to_b, *generators_->b_to_a),
                    rows("target", *generators_->b_to_a, *generators_->a_to_b)});
  }

  void set_training(bool training) override {
    generators_->train(training);
    discriminators_->train(training);
  }

  void visit(StateVisitor& visitor) override {
    generators_part_.visit(visitor);
    discriminators_part_.visit(visitor);
    pool_of_a_.visit(visitor);
    pool_of_b_.visit(visitor);
  }

 private:
  at::Tensor generator_loss(const at::Tensor& a, const at::Tensor& b, Fakes& fake_a, Fakes& fake_b,
                            StepContext& context) {
    const AutocastScope autocast = context.autocast();
    CycleGanGenerator& a_to_b = *generators_->a_to_b;
    CycleGanGenerator& b_to_a = *generators_->b_to_a;
    const CycleGanLossOptions& weight = options_.cyclegan_loss;
    const at::Tensor ab = a_to_b.forward(a);
    const at::Tensor ba = b_to_a.forward(b);
    fake_a.own = ba.detach();
    fake_b.own = ab.detach();

    WeightedLoss loss(context);
    loss.add("adversarial_loss", 1, least_squares_gan(discriminators_->b->forward(ab), true));
    loss.add("adversarial_loss", 1, least_squares_gan(discriminators_->a->forward(ba), true));
    loss.add("cycle_loss", weight.cycle, absolute_error(b_to_a.forward(ab), a));
    loss.add("cycle_loss", weight.cycle, absolute_error(a_to_b.forward(ba), b));
    if (weight.identity > 0) {
      loss.add("identity_loss", weight.identity, absolute_error(a_to_b.forward(b), b));
      loss.add("identity_loss", weight.identity, absolute_error(b_to_a.forward(a), a));
    }
    return loss.total("loss");
  }

  at::Tensor discriminator_loss(const at::Tensor& a, const at::Tensor& b, const at::Tensor& shown_a,
                                const at::Tensor& shown_b, StepContext& context) {
    const AutocastScope autocast = context.autocast();
    WeightedLoss loss(context);
    const auto judge = [&](PatchDiscriminator& discriminator, const at::Tensor& real,
                           const at::Tensor& fake) {
      loss.add("judged_real_loss", 0.5, least_squares_gan(discriminator.forward(real), true));
      loss.add("judged_fake_loss", 0.5, least_squares_gan(discriminator.forward(fake), false));
    };
    judge(*discriminators_->a, a, shown_a);
    judge(*discriminators_->b, b, shown_b);
    return loss.total("discriminator_loss");
  }

  /// Starts the exchange, which then travels beside the backward pass.
  void gather(Fakes& fakes, const char* name, StepContext& context) const {
    if (options_.pool == 0) return;
    fakes.global = context.start_gather(fakes.own.to(at::kFloat), name);
  }

  /// What the discriminator is shown of this rank's translations of the pictures `of`.
  at::Tensor exchange(ImagePool& pool, Fakes& fakes, const StreamBatch& of,
                      StepContext& context) const {
    if (options_.pool == 0) return fakes.own;
    const at::Tensor shown = pool.exchange(fakes.global->wait(), of.first_position);
    const std::int64_t rows = fakes.own.size(0);
    return shown.narrow(0, context.communicator().rank() * rows, rows)
        .contiguous(options_.channels_last ? at::MemoryFormat::ChannelsLast
                                           : at::MemoryFormat::Contiguous);
  }

  TranslatorOptions options_;
  std::shared_ptr<Generators> generators_;
  std::shared_ptr<Discriminators> discriminators_;
  ImagePool pool_of_a_, pool_of_b_;
  Trainable generators_part_;
  Trainable discriminators_part_;
};

}  // namespace

std::unique_ptr<Method> make_cyclegan(const MethodBuild& build) {
  const RunConfig& config = build.run.config;
  const TranslatorOptions& options = config.translator;
  const auto [source, target] = translation_streams(config, kStride, kLeastSide);
  Random seeds(static_cast<std::uint64_t>(config.seed));
  const auto next_generator = [&] {
    return make_cyclegan_generator(config.cyclegan.generator, seeds.next());
  };
  const auto next_discriminator = [&] {
    return make_patch_discriminator(config.cyclegan.discriminator, seeds.next());
  };
  auto a_to_b = next_generator();
  auto b_to_a = next_generator();
  auto of_a = next_discriminator();
  auto of_b = next_discriminator();
  auto generators = std::make_shared<Generators>(std::move(a_to_b), std::move(b_to_a));
  auto discriminators = std::make_shared<Discriminators>(std::move(of_a), std::move(of_b));
  const at::Device device = build.run.device.torch();
  prepare_network(*generators, options.channels_last, device);
  prepare_network(*discriminators, options.channels_last, device);
  // Translations of one domain have the size of the other's pictures.
  const auto pool = [&](const char* name, const AugmentOptions& crop) {
    return ImagePool({.name = name,
                      .capacity = options.pool,
                      .height = crop.crop_height,
                      .width = crop.crop_width,
                      .seed = seeds.next()},
                     device);
  };
  ImagePool pool_of_a = pool("pool-a", target.augment);
  ImagePool pool_of_b = pool("pool-b", source.augment);
  return std::make_unique<CycleGan>(
      std::move(generators), std::move(discriminators),
      std::array<ImagePool, 2>{std::move(pool_of_a), std::move(pool_of_b)}, build);
}

}  // namespace dusk
