#include "data/stream_batch_builder.hpp"

#include <torch/types.h>

#include <utility>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

/// Where picture `slot` of a batch (N, 3, H, W) lies.
ImageView view_of(const at::Tensor& images, std::size_t slot) {
  return {.data = images.data_ptr<float>() + static_cast<std::int64_t>(slot) * images.stride(0),
          .channel = images.stride(1),
          .row = images.stride(2),
          .column = images.stride(3)};
}

}  // namespace

StreamBatchBuilder::StreamBatchBuilder(std::size_t samples, int height, int width,
                                       const BatchLayout& layout)
    : samples_(samples), height_(height), width_(width), layout_(layout), damage_(samples) {
  batch_.refs.resize(samples);
  batch_.names.resize(samples);
  batch_.geometries.resize(samples);
}

Bytes StreamBatchBuilder::bytes() const {
  const std::size_t pictures = (1 + layout_.views.size()) * (layout_.keep_plain ? 2 : 1);
  const std::size_t pixel = pictures * 3 * sizeof(float) +
                            (layout_.labels ? sizeof(std::int64_t) : 0) +
                            (layout_.confidence ? 1 : 0);
  return {samples_ * static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_) * pixel};
}

void StreamBatchBuilder::allocate_once() {
  const std::lock_guard lock(allocation_);
  if (!pictures_.empty()) return;
  const auto count = static_cast<std::int64_t>(samples_);
  const auto format =
      layout_.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  if (layout_.labels)
    batch_.labels = at::empty({count, height_, width_}, layout_.host_options.dtype(at::kLong));
  if (layout_.confidence)
    batch_.confidence = at::empty({count, height_, width_}, layout_.host_options.dtype(at::kByte));
  std::vector<at::Tensor> pictures, plain;
  const auto add = [&](std::vector<at::Tensor>& to) {
    to.push_back(
        at::empty({count, 3, height_, width_}, layout_.host_options.dtype(at::kFloat), format));
  };
  for (std::size_t i = 0; i < 1 + layout_.views.size(); ++i) {
    add(pictures);
    if (layout_.keep_plain) add(plain);
  }
  plain_ = std::move(plain);
  pictures_ = std::move(pictures);
}

void StreamBatchBuilder::check(std::size_t slot, const Geometry& geometry) const {
  if (slot >= samples_ || geometry.height != height_ || geometry.width != width_)
    fail<InternalError>("a crop of {}x{} for place {} of a batch of {} crops of {}x{}",
                        geometry.height, geometry.width, slot, samples_, height_, width_);
}

void StreamBatchBuilder::load_picture(std::size_t slot, std::size_t number,
                                      const PictureRequest& request, SampleReader& reader) {
  check(slot, request.geometry);
  allocate_once();
  const ImageView out = view_of(pictures_.at(number), slot);
  const ImageView plain = layout_.keep_plain ? view_of(plain_.at(number), slot) : ImageView{};
  reader.image(request.dataset, request.index, request.geometry, request.interpolation,
               request.change, out, layout_.keep_plain ? &plain : nullptr);
}

std::span<const std::int64_t> StreamBatchBuilder::load_label(std::size_t slot,
                                                             const Dataset& dataset,
                                                             std::uint64_t index,
                                                             const Geometry& geometry,
                                                             SampleReader& reader) {
  if (!layout_.labels) return {};
  check(slot, geometry);
  if (!dataset.info(index).has_label)
    fail<DataError>("it has no label, and labels are asked for; set `labels: false` or a filter");
  allocate_once();
  const auto pixels = static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_);
  std::int64_t* label = batch_.labels.data_ptr<std::int64_t>() + slot * pixels;
  reader.label(dataset, index, geometry, label);
  return {label, pixels};
}

void StreamBatchBuilder::load_confidence(std::size_t slot, const Dataset& dataset,
                                         std::uint64_t index, const Geometry& geometry,
                                         SampleReader& reader) {
  if (!layout_.confidence) return;
  check(slot, geometry);
  if (!dataset.info(index).has_confidence)
    fail<DataError>("its label has no confidence (`dusk label` writes one), and it is asked for");
  allocate_once();
  const auto pixels = static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_);
  reader.confidence(dataset, index, geometry,
                    batch_.confidence.data_ptr<std::uint8_t>() + slot * pixels);
}

void StreamBatchBuilder::note(std::size_t slot, const SampleRef& ref, const std::string& name,
                              const Geometry& geometry) {
  batch_.refs[slot] = ref;
  batch_.names[slot] = name;
  batch_.geometries[slot] = geometry;
}

void StreamBatchBuilder::add_damage(std::size_t slot, std::string message) {
  damage_[slot].push_back(std::move(message));
}

StreamBatch StreamBatchBuilder::take() {
  for (auto& messages : damage_)
    for (auto& message : messages) batch_.damage.push_back(std::move(message));
  batch_.images = pictures_.at(0);
  for (std::size_t i = 0; i < layout_.views.size(); ++i)
    batch_.pictures[layout_.views[i]] = pictures_[i + 1];
  for (std::size_t i = 0; i < plain_.size(); ++i)
    batch_.pictures[i == 0 ? "plain" : layout_.views[i - 1] + ".plain"] = plain_[i];
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
