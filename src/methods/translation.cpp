#include "methods/translation.hpp"

#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/data/pixel_values.hpp"
#include "dusk/nn/memory_format.hpp"

namespace dusk {
namespace {

const StreamOptions& required_stream(const RunConfig& config, const std::string& name,
                                     std::int64_t stride, std::int64_t least) {
  const auto found = config.streams.find(name);
  if (found == config.streams.end()) {
    fail<ConfigError>(
        "method {} needs the streams 'source' (by day) and 'target' (by night) under 'streams'; "
        "'{}' is missing",
        config.method, name);
  }
  const AugmentOptions& augment = found->second.augment;
  for (const int side : {augment.crop_height, augment.crop_width}) {
    if (side % stride == 0 && side >= least) continue;
    fail<ConfigError>(
        "streams.{}.augment: a crop of {}x{} cannot be translated by method {}: "
        "sides must be multiples of {}, and {} at least",
        name, augment.crop_height, augment.crop_width, config.method, stride, least);
  }
  return found->second;
}

}  // namespace

void WeightedLoss::add(const std::string& name, double weight, const LossSum& loss) {
  context_.record(name, loss);
  const at::Tensor term =
      loss.sum * (weight / static_cast<double>(context_.communicator().size())) / loss.count;
  total_ = total_.defined() ? total_ + term : term;
}

at::Tensor WeightedLoss::total(const std::string& name) {
  if (!total_.defined()) fail<InternalError>("a loss without terms");
  context_.record_part(name, total_);
  return total_;
}

FrozenScope::FrozenScope(torch::nn::Module& module) {
  for (at::Tensor& parameter : module.parameters()) {
    if (!parameter.requires_grad()) continue;
    parameter.requires_grad_(false);
    parameters_.push_back(parameter);
  }
}

FrozenScope::~FrozenScope() {
  for (at::Tensor& parameter : parameters_) parameter.requires_grad_(true);
}

TranslationStreams translation_streams(const RunConfig& config, std::int64_t stride,
                                       std::int64_t least) {
  return {required_stream(config, "source", stride, least),
          required_stream(config, "target", stride, least)};
}

DrawKey draws_of(const StreamBatch& batch, StepContext& context, std::uint64_t seed,
                 std::uint64_t pass) {
  return {
      .seed = seed, .pass = pass, .positions = positions_of(batch, context.communicator().rank())};
}

void prepare_network(torch::nn::Module& network, bool channels_last, const at::Device& device) {
  if (channels_last) to_channels_last(network);
  network.to(device);
}

at::Tensor translator_input(const at::Tensor& images, bool channels_last) {
  return to_symmetric(images).contiguous(channels_last ? at::MemoryFormat::ChannelsLast
                                                       : at::MemoryFormat::Contiguous);
}

at::Tensor sheet_rows(const std::vector<at::Tensor>& columns) {
  std::vector<at::Tensor> pictures;
  for (const at::Tensor& column : columns) {
    pictures.push_back(from_symmetric(column.to(at::kFloat)));
  }
  return at::stack(pictures, 1);
}

}  // namespace dusk
