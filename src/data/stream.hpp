#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "data/stream_batch_builder.hpp"
#include "dusk/data/batch_pipeline.hpp"
#include "dusk/data/sample_plan.hpp"

namespace dusk {

/// A stream with what follows from it; immutable.
struct Stream {
  StreamSpec spec;
  std::uint64_t seed = 0;  ///< of order and augmentation; streams over the same data differ
  std::shared_ptr<const SampleOrder> order;
  std::uint64_t local_batch = 0;
  BatchLayout layout;
};

/// `ConfigError` for options of a stream that make no sense, alone or together.
void check_stream(const StreamSpec& stream);

/// `seed` is the run's; the stream's own follows from it and the stream's name.
[[nodiscard]] Stream make_stream(StreamSpec spec, std::uint64_t seed, int ranks,
                                 const at::TensorOptions& host_options, bool channels_last);

/// Draws crop and colours of a sample and loads its label and pictures into place `slot`. What it
/// draws depends on (stream seed, epoch, sample) only; where a class was drawn first, on (stream
/// seed, position, sample), since a sample may then come several times in an epoch.
void load_sample(const Stream& stream, const SampleRef& ref, std::size_t slot,
                 StreamBatchBuilder& builder, SampleReader& reader);

}  // namespace dusk
