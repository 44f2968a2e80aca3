#include <c10/cuda/CUDAStream.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <torch/types.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "comm/arguments.hpp"
#include "comm/nccl/nccl_handle.hpp"
#include "dusk/base/clock.hpp"
#include "dusk/base/error.hpp"
#include "dusk/comm/nccl.hpp"
#include "dusk/device/stream.hpp"

namespace dusk {
namespace {

using comm::Kind;
using comm::NcclHandle;
using comm::Operation;

ncclDataType_t data_type(c10::ScalarType type) {
  switch (type) {
    case c10::ScalarType::Float:
      return ncclFloat32;
    case c10::ScalarType::Double:
      return ncclFloat64;
    case c10::ScalarType::BFloat16:
      return ncclBfloat16;
    case c10::ScalarType::Half:
      return ncclFloat16;
    case c10::ScalarType::Long:
      return ncclInt64;
    case c10::ScalarType::Int:
      return ncclInt32;
    case c10::ScalarType::Byte:
      return ncclUint8;
    default:
      fail<InternalError>("NCCL has no type for {}", comm::type_name(type));
  }
}

ncclRedOp_t reduction(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return ncclSum;
    case ReduceOp::mean:
      return ncclAvg;
    case ReduceOp::max:
      return ncclMax;
    case ReduceOp::min:
      return ncclMin;
  }
  fail<InternalError>("unknown reduction {}", static_cast<int>(op));
}

std::size_t count_of(const at::Tensor& tensor) {
  return static_cast<std::size_t>(tensor.numel());
}

/// One operation on the communicator's stream: done when the event behind it is.
class NcclWork final : public WorkState {
 public:
  NcclWork(std::shared_ptr<NcclHandle> handle, const Device& device, Operation operation,
           std::vector<at::Tensor> tensors)
      : handle_(std::move(handle)),
        device_(device),
        operation_(std::move(operation)),
        tensors_(std::move(tensors)),
        finished_(device) {}

  void mark(const Stream& stream) { finished_.record(stream); }

  void wait() override {
    const Stopwatch watch;
    while (!finished_well()) {
      throw_failure();
      handle_->check_alive(operation_);
      if (watch.seconds() > static_cast<double>(handle_->timeout().count())) {
        handle_->fail(fmt::format("not done within {} s", handle_->timeout().count()), operation_);
      }
      if (watch.seconds() > kEager) std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }

  void wait_stream() override {
    if (!finished_well()) throw_failure();
    Stream::current(device_).wait(finished_);
  }

  [[nodiscard]] bool done() const override {
    return finished_well() || handle_->failure().has_value();
  }

  [[nodiscard]] const Operation& operation() const noexcept { return operation_; }

 private:
  static constexpr double kEager = 0.001;  ///< seconds of polling before the host takes naps

  /// An abort lets the stream run through, too: the event means success only if there was no
  /// failure after it was seen. Once seen, a later failure of the communicator changes nothing.
  [[nodiscard]] bool finished_well() const {
    if (!seen_ && finished_.done() && !handle_->failure()) seen_ = true;
    return seen_;
  }

  void throw_failure() const {
    if (const auto reason = handle_->failure()) {
      fail<CommError>("{}: {} was ended: {}", to_string(handle_->place()), operation_.describe(),
                      *reason);
    }
  }

  std::shared_ptr<NcclHandle> handle_;
  Device device_;
  Operation operation_;
  std::vector<at::Tensor> tensors_;
  Event finished_;
  mutable std::atomic<bool> seen_{false};
};

/// Collectives of GPU tensors, each enqueued on the communicator's own stream behind what the
/// caller's current stream has been given so far.
class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(Communicator& control, std::unique_ptr<Communicator> owned_control,
                   const Device& device, const NcclOptions& options)
      : control_(control),
        owned_control_(std::move(owned_control)),
        device_(device),
        options_(options),
        stream_(Stream::from_pool(device, /*high_priority=*/true)),
        handle_(connect()),
        token_(at::zeros({1}, at::TensorOptions(at::kFloat).device(device.torch()))) {}

  ~NcclCommunicator() override {
    if (last_ && !last_->done()) {
      abort(fmt::format("it closed its communicator before {} was done",
                        last_->operation().describe()));
    }
  }

  [[nodiscard]] int rank() const override { return control_.rank(); }
  [[nodiscard]] int size() const override { return control_.size(); }
  [[nodiscard]] std::string description() const override {
    return fmt::format("NCCL {} on {}", nccl_version().loaded, device_.name());
  }

  [[nodiscard]] Work all_reduce(at::Tensor buffer, ReduceOp op, OpName name) override {
    Operation operation = comm::elementwise(Kind::all_reduce, std::move(name), buffer, c10::kCUDA);
    operation.reduce = op;
    check_reduction(operation);
    return launch(std::move(operation), {buffer}, [&](ncclComm_t comm, cudaStream_t stream) {
      return ncclAllReduce(buffer.data_ptr(), buffer.data_ptr(), count_of(buffer),
                           data_type(buffer.scalar_type()), reduction(op), comm, stream);
    });
  }

  [[nodiscard]] Work reduce_scatter(at::Tensor output, at::Tensor input, ReduceOp op,
                                    OpName name) override {
    Operation operation = comm::scattering(std::move(name), output, input, size(), c10::kCUDA);
    operation.reduce = op;
    check_reduction(operation);
    return launch(std::move(operation), {output, input}, [&](ncclComm_t comm, cudaStream_t stream) {
      return ncclReduceScatter(input.data_ptr(), output.data_ptr(), count_of(output),
                               data_type(input.scalar_type()), reduction(op), comm, stream);
    });
  }

  [[nodiscard]] Work all_gather(at::Tensor output, at::Tensor input, OpName name) override {
    const auto parts = comm::parts_of(output, size(), name);
    Operation operation =
        comm::gathering(std::move(name), parts, input, rank(), size(), c10::kCUDA);
    return launch(std::move(operation), {output, input}, [&](ncclComm_t comm, cudaStream_t stream) {
      return ncclAllGather(input.data_ptr(), output.data_ptr(), count_of(input),
                           data_type(input.scalar_type()), comm, stream);
    });
  }

  [[nodiscard]] Work all_gather_unequal(std::vector<at::Tensor> outputs, at::Tensor input,
                                        OpName name) override {
    Operation operation =
        comm::gathering(std::move(name), outputs, input, rank(), size(), c10::kCUDA);
    std::vector<at::Tensor> tensors = outputs;
    tensors.push_back(input);
    return launch(std::move(operation), std::move(tensors),
                  [&](ncclComm_t comm, cudaStream_t stream) {
                    return broadcast_parts(outputs, input, comm, stream);
                  });
  }

  [[nodiscard]] Work broadcast(at::Tensor buffer, int root, OpName name) override {
    Operation operation = comm::elementwise(Kind::broadcast, std::move(name), buffer, c10::kCUDA);
    operation.root = root;
    check_root(operation, size());
    return launch(std::move(operation), {buffer}, [&](ncclComm_t comm, cudaStream_t stream) {
      return ncclBroadcast(buffer.data_ptr(), buffer.data_ptr(), count_of(buffer),
                           data_type(buffer.scalar_type()), root, comm, stream);
    });
  }

  [[nodiscard]] Work barrier(OpName name) override {
    Operation operation{
        .kind = Kind::barrier, .name = std::move(name), .bytes = Bytes{4}, .layout = {}};
    return launch(std::move(operation), {token_}, [&](ncclComm_t comm, cudaStream_t stream) {
      return ncclAllReduce(token_.data_ptr(), token_.data_ptr(), 1, ncclFloat32, ncclSum, comm,
                           stream);
    });
  }

  [[nodiscard]] std::unique_ptr<Communicator> split(int color, int key) override {
    auto part = control_.split(color, key);
    if (!part) return nullptr;
    Communicator& control = *part;
    return std::make_unique<NcclCommunicator>(control, std::move(part), device_, options_);
  }

  void abort(std::string_view reason) noexcept override {
    const std::string text = fmt::format("{}: {}", to_string(handle_->place()), reason);
    handle_->abort(text);
    control_.abort(text);
  }

 private:
  /// NCCL takes the current device.
  [[nodiscard]] std::shared_ptr<NcclHandle> connect() {
    const c10::DeviceGuard guard(device_.torch());
    return std::make_shared<NcclHandle>(
        exchange_id(), comm::Place{control_.rank(), control_.size(), device_.torch().str()},
        options_.timeout);
  }

  /// Rank 0 makes the id under which the ranks find each other; the control plane spreads it.
  [[nodiscard]] ncclUniqueId exchange_id() {
    ncclUniqueId id{};
    if (control_.rank() == 0) comm::check_nccl(ncclGetUniqueId(&id), "id of a communicator");
    at::Tensor bytes = at::empty({static_cast<std::int64_t>(sizeof(id))}, at::kByte);
    std::memcpy(bytes.data_ptr(), &id, sizeof(id));
    control_.broadcast(bytes, 0, "id of an NCCL communicator").wait();
    std::memcpy(&id, bytes.data_ptr(), sizeof(id));
    return id;
  }

  template <class Call>
  Work launch(Operation operation, std::vector<at::Tensor> tensors, const Call& call) {
    handle_->check_alive(operation);
    const c10::DeviceGuard guard(device_.torch());
    Event ready(device_);
    ready.record(Stream::current(device_));
    stream_.wait(ready);
    if (operation.bytes.value != 0) {
      cudaStream_t stream = c10::cuda::CUDAStream(stream_.torch()).stream();
      handle_->issue(operation, [&](ncclComm_t comm) { return call(comm, stream); });
    }
    // Freed early, their memory is not given to another stream before this one is through.
    for (const at::Tensor& tensor : tensors) tensor.record_stream(stream_.torch());
    auto work =
        std::make_shared<NcclWork>(handle_, device_, std::move(operation), std::move(tensors));
    work->mark(stream_);
    last_ = work;
    return Work(std::move(work));
  }

  [[nodiscard]] ncclResult_t broadcast_parts(const std::vector<at::Tensor>& outputs,
                                             const at::Tensor& input, ncclComm_t comm,
                                             cudaStream_t stream) const {
    ncclResult_t result = ncclGroupStart();
    for (int root = 0; root < size() && result == ncclSuccess; ++root) {
      const at::Tensor& output = outputs[static_cast<std::size_t>(root)];
      if (output.numel() == 0) continue;
      const void* source = root == rank() ? input.data_ptr() : output.data_ptr();
      result = ncclBroadcast(source, output.data_ptr(), count_of(output),
                             data_type(input.scalar_type()), root, comm, stream);
    }
    const ncclResult_t end = ncclGroupEnd();
    return result == ncclSuccess || result == ncclInProgress ? end : result;
  }

  Communicator& control_;
  std::unique_ptr<Communicator> owned_control_;  ///< of a split
  Device device_;
  NcclOptions options_;
  Stream stream_;
  std::shared_ptr<NcclHandle> handle_;
  at::Tensor token_;                ///< what a barrier reduces
  std::shared_ptr<NcclWork> last_;  ///< the stream is in order: when this is done, all are
};

}  // namespace

NcclVersion nccl_version() {
  NcclVersion version{.compiled = NCCL_VERSION_CODE, .loaded = 0, .path = {}};
  comm::check_nccl(ncclGetVersion(&version.loaded), "version");
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&ncclGetVersion), &info) != 0) {
    version.path = info.dli_fname;
  }
  return version;
}

std::unique_ptr<Communicator> make_nccl_communicator(Communicator& control, const Device& device,
                                                     Log& log, const NcclOptions& options) {
  if (!device.is_cuda()) {
    fail<ConfigError>("NCCL exchanges between GPUs, but the device is {}", device.name());
  }
  constexpr int kMajor = 10000;  // of NCCL_VERSION_CODE since 2.9
  const NcclVersion version = nccl_version();
  if (version.loaded / kMajor != version.compiled / kMajor) {
    fail<ConfigError>("built for NCCL {}, but {} is NCCL {}; check LD_LIBRARY_PATH",
                      version.compiled, version.path, version.loaded);
  }
  if (version.loaded != version.compiled && control.rank() == 0) {
    log.warn("built for NCCL {}, loaded is {} ({})", version.compiled, version.loaded,
             version.path);
  }
  auto communicator = std::make_unique<NcclCommunicator>(control, nullptr, device, options);
  if (control.rank() == 0) log.debug("communicator: {}", communicator->description());
  return communicator;
}

}  // namespace dusk
