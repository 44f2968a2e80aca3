// Synchronised batch norm over ranks as threads, and when it exchanges at all.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/comm/in_process.hpp"
#include "dusk/nn/batch_norm_mode.hpp"
#include "dusk/nn/mobilenet_v2.hpp"
#include "nn/layers.hpp"
#include "unit/nn/closed_form.hpp"
#include "unit/nn/sync_norm_suite.hpp"

namespace dusk {
namespace {

class SyncNormOverThreads : public testing::TestWithParam<std::tuple<int, test::SyncNormCheck>> {};

TEST_P(SyncNormOverThreads, Passes) {
  const auto& [ranks, check] = GetParam();
  run_in_process(ranks, [&check = check](Communicator& comm) {
    const at::AutoGradMode gradients(true);
    at::set_num_threads(1);
    EXPECT_EQ(check.run(comm), "") << "on rank " << comm.rank() << " of " << comm.size();
  });
}

INSTANTIATE_TEST_SUITE_P(Suite, SyncNormOverThreads,
                         testing::Combine(testing::Values(1, 2, 3, 4),
                                          testing::ValuesIn(test::sync_norm_checks())),
                         [](const auto& check) {
                           return std::string(std::get<1>(check.param).name) +
                                  std::to_string(std::get<0>(check.param));
                         });

/// Counts the all-reduces of another communicator; allows nothing else.
class CountingCommunicator final : public Communicator {
 public:
  explicit CountingCommunicator(Communicator& comm) : comm_(comm) {}
  [[nodiscard]] int all_reduces() { return std::exchange(count_, 0); }

  [[nodiscard]] int rank() const override { return comm_.rank(); }
  [[nodiscard]] int size() const override { return comm_.size(); }
  [[nodiscard]] std::string description() const override { return comm_.description(); }
  [[nodiscard]] Work all_reduce(at::Tensor buffer, ReduceOp op, OpName name) override {
    ++count_;
    return comm_.all_reduce(std::move(buffer), op, std::move(name));
  }
  [[nodiscard]] Work reduce_scatter(at::Tensor, at::Tensor, ReduceOp, OpName name) override {
    return refuse(name);
  }
  [[nodiscard]] Work all_gather(at::Tensor, at::Tensor, OpName name) override {
    return refuse(name);
  }
  [[nodiscard]] Work all_gather_unequal(std::vector<at::Tensor>, at::Tensor, OpName name) override {
    return refuse(name);
  }
  [[nodiscard]] Work broadcast(at::Tensor, int, OpName name) override { return refuse(name); }
  [[nodiscard]] Work barrier(OpName name) override { return refuse(name); }
  [[nodiscard]] std::unique_ptr<Communicator> split(int, int) override { return nullptr; }
  void abort(std::string_view reason) noexcept override { comm_.abort(reason); }

 private:
  static Work refuse(const OpName& name) { fail<InternalError>("unexpected: {}", name.text); }

  Communicator& comm_;
  int count_ = 0;
};

/// A batch norm behind a convolution.
struct Layer {
  Layer() {
    const at::NoGradGuard no_grad;
    conv.weight().copy_(test::closed_form("conv", conv.weight().sizes()));
  }
  at::Tensor operator()(const at::Tensor& x) { return conv_norm(x, conv, *norm, Activation::relu); }

  Conv2d conv{{.in = 8, .out = 8}};
  std::shared_ptr<BatchNorm2d> norm = std::make_shared<BatchNorm2d>(8);
};

at::Tensor picture(bool channels_last) {
  return test::closed_form("x", {2, 8, 5, 5})
      .contiguous(channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
}

TEST(SyncNorm, ExchangesOnceInEachDirectionAndOnlyInTraining) {
  run_in_process(2, [](Communicator& threads) {
    CountingCommunicator comm(threads);
    for (const bool channels_last : {true, false}) {
      const at::AutoGradMode gradients(true);
      Layer layer;
      set_batch_norm_mode(*layer.norm, BatchNormMode::sync, &comm);
      at::Tensor y = layer(picture(channels_last));
      EXPECT_EQ(comm.all_reduces(), 1);
      y.sum().backward();
      EXPECT_EQ(comm.all_reduces(), 1);
      {
        const at::NoGradGuard no_grad;
        layer(picture(channels_last));
        EXPECT_EQ(comm.all_reduces(), 1);
      }
      layer.norm->eval();
      layer(picture(channels_last)).sum().backward();
      layer.norm->train();
      for (const BatchNormMode mode : {BatchNormMode::frozen, BatchNormMode::train}) {
        set_batch_norm_mode(*layer.norm, mode, &comm);
        y = layer(picture(channels_last)).sum();
        y.backward();
      }
      EXPECT_EQ(comm.all_reduces(), 0);
    }
  });
}

TEST(SyncNorm, OnOneRankIsTrainBitForBit) {
  run_in_process(1, [](Communicator& threads) {
    CountingCommunicator comm(threads);
    for (const bool channels_last : {true, false}) {
      Layer train, sync;
      set_batch_norm_mode(*train.norm, BatchNormMode::train);
      set_batch_norm_mode(*sync.norm, BatchNormMode::sync, &comm);
      for (Layer* layer : {&train, &sync}) {
        (*layer)(picture(channels_last)).square().sum().backward();
      }
      EXPECT_TRUE(at::equal(train.conv.weight().grad(), sync.conv.weight().grad()));
      for (const auto& buffer : train.norm->named_buffers()) {
        EXPECT_TRUE(at::equal(buffer.value(), sync.norm->named_buffers()[buffer.key()]));
      }
    }
    EXPECT_EQ(comm.all_reduces(), 0);
  });
}

TEST(SyncNorm, OneValueOnEachOfTwoRanksIsEnough) {
  run_in_process(2, [](Communicator& comm) {
    Layer layer;
    set_batch_norm_mode(*layer.norm, BatchNormMode::sync, &comm);
    const at::Tensor pixel = test::closed_form("x", {1, 8, 1, 1}) * (comm.rank() + 1);
    EXPECT_TRUE(at::isfinite(layer(pixel)).all().item<bool>());
    // One value in all: refused on both ranks, also on that without any.
    EXPECT_THROW(layer(pixel.narrow(0, 0, comm.rank())), ConfigError);
  });
}

TEST(SyncNorm, ALayerIsNamedWhenRanksDiffer) {
  try {
    run_in_process(2, [](Communicator& comm) {
      const at::NoGradGuard no_grad;
      at::set_num_threads(1);
      const auto network = make_mobilenet_v2();
      set_batch_norm_mode(*network, BatchNormMode::sync, &comm);
      if (comm.rank() == 1) {
        // This rank's network has one synchronised layer less.
        auto first = network->named_modules()["features.0.1"];
        first->as<BatchNorm2d>()->set_mode(BatchNormMode::train);
      }
      network->features(at::zeros({1, 3, 32, 32}));
    });
    FAIL() << "ranks that disagree went through";
  } catch (const CommError& error) {
    EXPECT_NE(std::string(error.what()).find("statistics of features.0.1"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace dusk
