#include "dusk/ddp/fingerprint.hpp"

#include <fmt/ranges.h>
#include <torch/types.h>

#include <bit>
#include <string>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/comm/communicator.hpp"

namespace dusk {
namespace {

void update(Hasher& hasher, std::int64_t value) {
  hasher.update(std::as_bytes(std::span<const std::int64_t>(&value, 1)));
}

void update(Hasher& hasher, const std::string& text) {
  update(hasher, static_cast<std::int64_t>(text.size()));
  hasher.update(std::as_bytes(std::span<const char>(text)));
}

/// Name, type, shape and values of one tensor.
std::int64_t fingerprint_of(const NamedParameter& entry) {
  Hasher hasher;
  update(hasher, entry.name);
  update(hasher, static_cast<std::int64_t>(entry.tensor.scalar_type()));
  update(hasher, entry.tensor.dim());
  for (const std::int64_t size : entry.tensor.sizes()) update(hasher, size);
  const at::Tensor host = entry.tensor.detach().cpu().contiguous();
  hasher.update({static_cast<const std::byte*>(host.const_data_ptr()), host.nbytes()});
  return std::bit_cast<std::int64_t>(hasher.digest());
}

std::vector<std::int64_t> fingerprints_of(std::span<const NamedParameter> tensors) {
  std::vector<std::int64_t> values;
  values.reserve(tensors.size());
  for (const NamedParameter& entry : tensors) values.push_back(fingerprint_of(entry));
  return values;
}

std::int64_t combined(const std::vector<std::int64_t>& values) {
  return std::bit_cast<std::int64_t>(
      checksum64(std::as_bytes(std::span<const std::int64_t>(values))));
}

std::int64_t names_of(std::span<const NamedParameter> tensors) {
  Hasher hasher;
  for (const NamedParameter& entry : tensors) update(hasher, entry.name);
  return std::bit_cast<std::int64_t>(hasher.digest());
}

/// Everyone's `values`, as rows in rank order.
at::Tensor gather(Communicator& comm, const std::vector<std::int64_t>& values, at::Device device,
                  const std::string& name) {
  const auto columns = static_cast<std::int64_t>(values.size());
  const at::Tensor input = at::tensor(values, at::kLong).to(device);
  const at::Tensor output = at::empty({comm.size(), columns}, input.options());
  comm.all_gather(output.view(-1), input, name).wait();
  return output.cpu();
}

/// Ranks whose value in `column` is not rank 0's.
std::vector<int> ranks_that_differ(const at::Tensor& rows, std::int64_t column) {
  const auto value = rows.accessor<std::int64_t, 2>();
  std::vector<int> ranks;
  for (std::int64_t r = 1; r < rows.size(0); ++r) {
    if (value[r][column] != value[0][column]) ranks.push_back(static_cast<int>(r));
  }
  return ranks;
}

}  // namespace

std::uint64_t fingerprint(std::span<const NamedParameter> tensors) {
  return std::bit_cast<std::uint64_t>(combined(fingerprints_of(tensors)));
}

void check_equal_on_ranks(Communicator& comm, std::span<const NamedParameter> tensors,
                          std::string_view what) {
  if (comm.size() == 1) return;
  const at::Device device = tensors.empty() ? at::Device(at::kCPU) : tensors[0].tensor.device();
  const std::string name = fmt::format("fingerprint of {}", what);
  const std::vector<std::int64_t> own = fingerprints_of(tensors);
  const auto count = static_cast<std::int64_t>(own.size());
  // Every rank sees the same rows, hence all take the same way from here.
  const at::Tensor rows = gather(comm, {combined(own), names_of(tensors), count}, device, name);
  if (ranks_that_differ(rows, 0).empty()) return;
  for (const std::int64_t column : {2, 1}) {
    const std::vector<int> ranks = ranks_that_differ(rows, column);
    if (ranks.empty()) continue;
    fail<InternalError>("{}: rank(s) {} have other {} than rank 0 ({} here)", what,
                        fmt::join(ranks, ", "), column == 2 ? "numbers of tensors" : "names",
                        count);
  }
  const at::Tensor values = gather(comm, own, device, name);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::vector<int> ranks = ranks_that_differ(values, i);
    if (ranks.empty()) continue;
    fail<InternalError>(
        "{}: '{}' of rank(s) {} differs from rank 0's (the first of {} tensors that does)", what,
        tensors[static_cast<std::size_t>(i)].name, fmt::join(ranks, ", "), count);
  }
}

}  // namespace dusk
