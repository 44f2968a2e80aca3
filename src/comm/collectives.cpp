#include "dusk/comm/collectives.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace dusk {
namespace {

template <class T>
T reduce_one(Communicator& comm, T value, ReduceOp op, c10::ScalarType type, OpName name) {
  at::Tensor tensor = at::full({1}, value, at::TensorOptions(type));
  comm.all_reduce(tensor, op, std::move(name)).wait();
  return tensor.item<T>();
}

at::Tensor tensor_of(std::string_view text) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(text.size())}, at::kByte);
  if (!text.empty()) std::memcpy(tensor.data_ptr(), text.data(), text.size());
  return tensor;
}

std::string text_of(const at::Tensor& tensor) {
  return std::string(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
}

/// A tensor over the caller's memory.
template <class T>
at::Tensor tensor_over(std::span<T> values) {
  using Value = std::remove_const_t<T>;
  return at::from_blob(const_cast<Value*>(values.data()),
                       {static_cast<std::int64_t>(values.size())},
                       at::TensorOptions(c10::CppTypeToScalarType<Value>::value));
}

}  // namespace

bool any_rank(Communicator& comm, bool value, OpName name) {
  return reduce_one<std::uint8_t>(comm, value ? 1 : 0, ReduceOp::max, at::kByte, std::move(name)) !=
         0;
}

bool all_ranks(Communicator& comm, bool value, OpName name) {
  return !any_rank(comm, !value, std::move(name));
}

std::int64_t sum_of_integers(Communicator& comm, std::int64_t value, OpName name) {
  return reduce_one(comm, value, ReduceOp::sum, at::kLong, std::move(name));
}

std::int64_t max_of_integers(Communicator& comm, std::int64_t value, OpName name) {
  return reduce_one(comm, value, ReduceOp::max, at::kLong, std::move(name));
}

double sum_of_reals(Communicator& comm, double value, OpName name) {
  return reduce_one(comm, value, ReduceOp::sum, at::kDouble, std::move(name));
}

double max_of_reals(Communicator& comm, double value, OpName name) {
  return reduce_one(comm, value, ReduceOp::max, at::kDouble, std::move(name));
}

std::string broadcast_text(Communicator& comm, std::string text, int root) {
  at::Tensor length = at::full({1}, static_cast<std::int64_t>(text.size()), at::kLong);
  comm.broadcast(length, root, "length of a text").wait();
  at::Tensor bytes =
      comm.rank() == root ? tensor_of(text) : at::empty({length.item<std::int64_t>()}, at::kByte);
  comm.broadcast(bytes, root, "text").wait();
  return text_of(bytes);
}

std::vector<std::string> all_gather_text(Communicator& comm, std::string_view text) {
  at::Tensor lengths = at::empty({comm.size()}, at::kLong);
  const at::Tensor length = at::full({1}, static_cast<std::int64_t>(text.size()), at::kLong);
  comm.all_gather(lengths, length, "lengths of texts").wait();

  std::vector<at::Tensor> parts;
  for (int rank = 0; rank < comm.size(); ++rank) {
    parts.push_back(at::empty({lengths[rank].item<std::int64_t>()}, at::kByte));
  }
  comm.all_gather_unequal(parts, tensor_of(text), "texts").wait();
  std::vector<std::string> texts;
  for (const at::Tensor& part : parts) texts.push_back(text_of(part));
  return texts;
}

void wait_for_all(Communicator& comm, OpName name) {
  comm.barrier(std::move(name)).wait();
}

template <Exchangeable T>
void all_reduce(Communicator& comm, std::span<T> values, ReduceOp op, OpName name) {
  comm.all_reduce(tensor_over(values), op, std::move(name)).wait();
}

template <Exchangeable T>
void broadcast(Communicator& comm, std::span<T> values, int root, OpName name) {
  comm.broadcast(tensor_over(values), root, std::move(name)).wait();
}

template <Exchangeable T>
std::vector<T> all_gather(Communicator& comm, std::span<const T> values, OpName name) {
  std::vector<T> all(values.size() * static_cast<std::size_t>(comm.size()));
  comm.all_gather(tensor_over(std::span<T>(all)), tensor_over(values), std::move(name)).wait();
  return all;
}

template void all_reduce(Communicator&, std::span<float>, ReduceOp, OpName);
template void all_reduce(Communicator&, std::span<double>, ReduceOp, OpName);
template void all_reduce(Communicator&, std::span<std::int64_t>, ReduceOp, OpName);
template void all_reduce(Communicator&, std::span<std::int32_t>, ReduceOp, OpName);
template void all_reduce(Communicator&, std::span<std::uint8_t>, ReduceOp, OpName);
template void broadcast(Communicator&, std::span<float>, int, OpName);
template void broadcast(Communicator&, std::span<double>, int, OpName);
template void broadcast(Communicator&, std::span<std::int64_t>, int, OpName);
template void broadcast(Communicator&, std::span<std::int32_t>, int, OpName);
template void broadcast(Communicator&, std::span<std::uint8_t>, int, OpName);
template std::vector<float> all_gather(Communicator&, std::span<const float>, OpName);
template std::vector<double> all_gather(Communicator&, std::span<const double>, OpName);
template std::vector<std::int64_t> all_gather(Communicator&, std::span<const std::int64_t>, OpName);
template std::vector<std::int32_t> all_gather(Communicator&, std::span<const std::int32_t>, OpName);
template std::vector<std::uint8_t> all_gather(Communicator&, std::span<const std::uint8_t>, OpName);

}  // namespace dusk
