#include "dusk/nn/layer_table.hpp"

#include <ATen/record_function.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <torch/types.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "dusk/base/error.hpp"
#include "nn/layers.hpp"

namespace dusk {
namespace {

enum class Operator { convolution, transposed_convolution, product, norm };

/// Operators as a layer calls them; what these call in turn is not looked at.
std::optional<Operator> operator_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Operator>, 11> kOperators{
      {{"aten::conv1d", Operator::convolution},
       {"aten::conv2d", Operator::convolution},
       {"aten::convolution", Operator::convolution},
       {"aten::conv_transpose2d", Operator::transposed_convolution},
       {"aten::linear", Operator::product},
       {"aten::addmm", Operator::product},
       {"aten::mm", Operator::product},
       {"aten::matmul", Operator::product},
       {"aten::batch_norm", Operator::norm},
       {"aten::group_norm", Operator::norm},
       {"aten::layer_norm", Operator::norm}}};
  for (const auto& [candidate, kind] : kOperators) {
    if (candidate == name) return kind;
  }
  return std::nullopt;
}

/// Reaches the callbacks below, which are plain functions, as the thread's debug information.
class Watch : public c10::DebugInfoBase {
 public:
  static Watch* of_this_thread() {
    return static_cast<Watch*>(
        c10::ThreadLocalDebugInfo::get(c10::DebugInfoKind::INFERENCE_CONTEXT));
  }

  explicit Watch(const torch::nn::Module& network) {
    for (const auto& item : network.named_modules()) {
      LayerRow row{.name = item.key(), .output = {}};
      for (const at::Tensor& parameter : item.value()->parameters(/*recurse=*/false)) {
        row.parameters += parameter.numel();
        layer_of_[parameter.storage().unsafeGetStorageImpl()] = rows.size();
      }
      if (row.parameters > 0) rows.push_back(std::move(row));
    }
  }

  /// The largest of an operator's inputs that is a parameter, or a view of one (hence the weight,
  /// not the bias), and its row.
  std::optional<std::pair<at::Tensor, std::size_t>> find_layer(
      c10::ArrayRef<const at::IValue> inputs) const {
    std::optional<std::pair<at::Tensor, std::size_t>> layer;
    for (const at::IValue& input : inputs) {
      if (!input.isTensor() || !input.toTensor().defined()) continue;
      const at::Tensor& tensor = input.toTensor();
      const auto found = layer_of_.find(tensor.storage().unsafeGetStorageImpl());
      if (found == layer_of_.end()) continue;
      if (!layer || layer->first.numel() < tensor.numel()) layer.emplace(tensor, found->second);
    }
    return layer;
  }

  std::vector<LayerRow> rows;
  bool inside = false;  ///< an operator of a layer

 private:
  std::map<const c10::StorageImpl*, std::size_t> layer_of_;
};

struct LayerCall : at::ObserverContext {
  Operator kind = Operator::norm;
  std::size_t row = 0;
  std::int64_t input = 0;            ///< values of the first input
  std::vector<std::int64_t> weight;  ///< shape
};

/// Every weight of a convolution or a linear layer meets, for one of its output channels, every
/// value of the result in that channel; for a transposed convolution, of the input.
std::int64_t multiply_adds(const LayerCall& call, const at::Tensor& result) {
  const std::int64_t weights = c10::multiply_integers(call.weight);
  switch (call.kind) {
    case Operator::convolution:
      return result.numel() / call.weight[0] * weights;
    case Operator::transposed_convolution:
      return call.input / call.weight[0] * weights;
    case Operator::product:
      return result.numel() / result.size(-1) * weights;
    case Operator::norm:
      return 0;
  }
  fail<InternalError>("unknown operator");
}

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& call) {
  Watch* const watch = Watch::of_this_thread();
  const std::optional<Operator> kind = operator_of(call.name());
  if (watch == nullptr || watch->inside || !kind) return nullptr;
  const auto layer = watch->find_layer(call.inputs());
  if (!layer) return nullptr;
  const auto& [parameter, row] = *layer;
  auto context = std::make_unique<LayerCall>();
  context->kind = *kind;
  context->row = row;
  context->input = call.inputs()[0].toTensor().numel();
  context->weight = parameter.sizes().vec();
  watch->inside = true;
  return context;
}

void end(const at::RecordFunction& call, at::ObserverContext* context) {
  if (context == nullptr) return;
  Watch* const watch = Watch::of_this_thread();
  watch->inside = false;
  const auto& layer = static_cast<const LayerCall&>(*context);
  LayerRow& row = watch->rows[layer.row];
  const at::Tensor result = call.outputs().at(0).toTensor();
  if (row.output.empty()) row.output = result.sizes().vec();
  row.multiply_adds += multiply_adds(layer, result);
}

/// The callbacks on this thread, until the end of the scope.
class CallbackScope {
 public:
  CallbackScope()
      : handle_(at::addThreadLocalCallback(at::RecordFunctionCallback(&begin, &end)
                                               .needsInputs(true)
                                               .needsOutputs(true)
                                               .scopes({at::RecordScope::FUNCTION}))) {}
  ~CallbackScope() { at::removeCallback(handle_); }
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;

 private:
  at::CallbackHandle handle_;
};

}  // namespace

std::vector<LayerRow> layer_table(torch::nn::Module& network,
                                  const std::function<void()>& forward) {
  const auto watch = std::make_shared<Watch>(network);
  const bool was_training = network.is_training();
  network.eval();
  for (const auto& module : network.modules()) {
    if (auto* norm = module->as<BatchNorm2d>()) norm->train();
  }
  {
    const at::NoGradGuard no_grad;
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::INFERENCE_CONTEXT, watch);
    const CallbackScope callbacks;
    forward();
  }
  network.train(was_training);
  return watch->rows;
}

}  // namespace dusk
