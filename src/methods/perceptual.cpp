#include "methods/perceptual.hpp"

#include <torch/types.h>

#include <algorithm>

#include "dusk/base/error.hpp"
#include "dusk/data/pixel_values.hpp"
#include "dusk/loss/image_losses.hpp"
#include "dusk/nn/backbone.hpp"
#include "dusk/nn/vgg16.hpp"
#include "methods/translation.hpp"

namespace dusk {
namespace {

void freeze(torch::nn::Module& network, bool channels_last, const Device& device) {
  network.eval();
  for (at::Tensor& parameter : network.parameters()) parameter.requires_grad_(false);
  prepare_network(network, channels_last, device.torch());
}

/// relu5_3 of VGG-16 without its last two poolings (spec B.4.4).
class VggPerceptual : public Perceptual {
 public:
  VggPerceptual(std::shared_ptr<Vgg16> network, VggSource source)
      : network_(std::move(network)), source_(source) {}

 private:
  at::Tensor features(const at::Tensor& images) override {
    return network_
        ->forward(source_ == VggSource::caffe ? caffe_input(images) : from_symmetric(images))
        .rectified.at(4);
  }

  std::shared_ptr<Vgg16> network_;
  VggSource source_;
};

class EncoderPerceptual : public Perceptual {
 public:
  EncoderPerceptual(std::shared_ptr<Segmenter> network, std::int64_t level)
      : network_(std::move(network)), level_(static_cast<std::size_t>(level)) {}

 private:
  at::Tensor features(const at::Tensor& images) override {
    return network_->features(from_symmetric(images)).at(level_);
  }

  std::shared_ptr<Segmenter> network_;
  std::size_t level_;
};

/// The backbone's weights from a file of its own, or from one of a whole segmenter of ours.
LoadReport load_encoder(Backbone& backbone, const std::filesystem::path& path) {
  const auto file = read_weights(path);
  LoadPolicy policy = backbone.load_policy(*file);
  const bool is_segmenter = std::ranges::any_of(file->tensors(), [](const TensorRecord& tensor) {
    return tensor.name.starts_with("backbone.");
  });
  if (is_segmenter) {
    policy.renames = {{"backbone.*", "*"}};
    policy.allowed_extra = {"*"};
  }
  return load_weights(backbone, *file, policy);
}

std::unique_ptr<Perceptual> make_encoder(const TranslatorOptions& options, const Device& device,
                                         Log& log) {
  SegmenterOptions form;
  form.backbone = options.perceptual.encoder;
  form.channels_last = options.channels_last;
  auto network = make_segmenter(form, /*classes=*/1);
  const auto levels = static_cast<std::int64_t>(network->backbone().pyramid().channels.size());
  if (options.perceptual.level >= levels) {
    fail<ConfigError>("translator.perceptual.level is {}, the encoder's levels are 0 to {}",
                      options.perceptual.level, levels - 1);
  }
  const LoadReport report = load_encoder(network->backbone(), options.perceptual.weights);
  log.info("perceptual loss: level {} of an encoder, {}", options.perceptual.level,
           report.text(options.perceptual.weights.string()));
  freeze(*network, options.channels_last, device);
  return std::make_unique<EncoderPerceptual>(std::move(network), options.perceptual.level);
}

std::unique_ptr<Perceptual> make_vgg(const TranslatorOptions& options, const Device& device,
                                     Log& log) {
  auto network = make_vgg16(kPerceptualVgg);
  const auto file = read_weights(options.perceptual.weights);
  const LoadReport report = load_weights(*network, *file, network->load_policy());
  log.info("perceptual loss: relu5_3 of VGG-16, {}",
           report.text(options.perceptual.weights.string()));
  freeze(*network, options.channels_last, device);
  return std::make_unique<VggPerceptual>(std::move(network), options.perceptual.vgg_source);
}

}  // namespace

LossSum Perceptual::distance(const at::Tensor& translated, const at::Tensor& source) {
  at::Tensor of_source;
  {
    const at::NoGradGuard no_grad;
    of_source = features(source);
  }
  return normalised_square_error(features(translated), of_source);
}

std::unique_ptr<Perceptual> make_perceptual(const TranslatorOptions& options, const Device& device,
                                            Log& log) {
  if (options.perceptual.weight == 0) return nullptr;
  if (options.perceptual.weights.empty()) {
    log.warn(
        "translator.perceptual.weight is {}, but translator.perceptual.weights names no file: the "
        "translator is trained WITHOUT a perceptual loss",
        options.perceptual.weight);
    return nullptr;
  }
  return options.perceptual.network == PerceptualNetwork::vgg16
             ? make_vgg(options, device, log)
             : make_encoder(options, device, log);
}

}  // namespace dusk
