#include "data/stream_batch_builder.hpp"

#include <torch/types.h>

#include <utility>

#include "dusk/base/error.hpp"

namespace dusk {

StreamBatchBuilder::StreamBatchBuilder(std::size_t samples, int height, int width,
                                       const BatchLayout& layout)
    : samples_(samples), height_(height), width_(width), layout_(layout), damage_(samples) {
  batch_.refs.resize(samples);
  batch_.names.resize(samples);
}

void StreamBatchBuilder::allocate_once() {
  const std::lock_guard lock(allocation_);
  if (batch_.images.defined()) return;
  const auto count = static_cast<std::int64_t>(samples_);
  const auto format =
      layout_.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  if (layout_.labels)
    batch_.labels = at::empty({count, height_, width_}, layout_.host_options.dtype(at::kLong));
  batch_.images =
      at::empty({count, 3, height_, width_}, layout_.host_options.dtype(at::kFloat), format);
}

void StreamBatchBuilder::load(std::size_t slot, const SampleRef& ref, const Dataset& dataset,
                              const Geometry& geometry, Interpolation interpolation,
                              SampleReader& reader) {
  if (slot >= samples_ || geometry.height != height_ || geometry.width != width_)
    fail<InternalError>("a crop of {}x{} for place {} of a batch of {} crops of {}x{}",
                        geometry.height, geometry.width, slot, samples_, height_, width_);
  const SampleInfo& info = dataset.info(ref.index);
  if (layout_.labels && !info.has_label)
    fail<DataError>("it has no label, and labels are asked for; set `labels: false` or a filter");
  allocate_once();
  const auto place = static_cast<std::int64_t>(slot);
  const at::Tensor& images = batch_.images;
  reader.image(dataset, ref.index, geometry, interpolation,
               {.data = images.data_ptr<float>() + place * images.stride(0),
                .channel = images.stride(1),
                .row = images.stride(2),
                .column = images.stride(3)});
  if (layout_.labels)
    reader.label(dataset, ref.index, geometry,
                 batch_.labels.data_ptr<std::int64_t>() + place * batch_.labels.stride(0));
  batch_.refs[slot] = ref;
  batch_.names[slot] = info.name;
}

void StreamBatchBuilder::add_damage(std::size_t slot, std::string message) {
  damage_[slot].push_back(std::move(message));
}

StreamBatch StreamBatchBuilder::take() {
  for (auto& messages : damage_)
    for (auto& message : messages) batch_.damage.push_back(std::move(message));
  return std::move(batch_);
}

void rethrow_with_place(const std::string& where) {
  try {
    throw;
  } catch (const DataError& error) {
    fail<DataError>("{}: {}", where, error.what());
  } catch (const StorageError& error) {
    fail<StorageError>("{}: {}", where, error.what());
  } catch (const std::exception& error) {
    fail<InternalError>("{}: {}", where, error.what());
  }
}

std::string place_of(const Dataset& dataset, const SampleRef& ref) {
  return fmt::format("sample '{}' of {} (index {}, epoch {})", dataset.info(ref.index).name,
                     dataset.name(), ref.index, ref.epoch);
}

}  // namespace dusk
