#include "dusk/ddp/gradient_bucketer.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/types.h>

#include <cmath>
#include <functional>
#include <limits>
#include <mutex>

#include "dusk/base/error.hpp"
#include "dusk/comm/in_process.hpp"
#include "support/expect_error.hpp"
#include "unit/ddp/bucketer_suite.hpp"
#include "unit/ddp/toy_network.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;
using test::ToyNetwork;

constexpr BucketOptions kSmall{.first = Bytes{256}, .rest = Bytes{1024}};

class BucketerOnThreads : public testing::TestWithParam<int> {};

TEST_P(BucketerOnThreads, PassesTheSuite) {
  for (const test::BucketerCheck& check : test::bucketer_checks()) {
    SCOPED_TRACE(check.name);
    std::mutex reporting;
    run_in_process(GetParam(), [&](Communicator& comm) {
      const std::string wrong = check.run(comm);
      const std::scoped_lock lock(reporting);
      EXPECT_EQ(wrong, "") << check.name << " on rank " << comm.rank() << " of " << comm.size();
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, BucketerOnThreads, testing::Values(1, 2, 3, 4));

/// Most of what follows is about one rank's own books.
void alone(const std::function<void(Communicator&)>& body) {
  run_in_process(1, body);
}

/// A communicator that only writes down what it is asked to do.
class RecordingCommunicator final : public Communicator {
 public:
  explicit RecordingCommunicator(int size) : size_(size) {}
  int rank() const override { return 0; }
  int size() const override { return size_; }
  std::string description() const override { return "records"; }
  Work all_reduce(at::Tensor buffer, ReduceOp op, OpName name) override {
    EXPECT_EQ(op, ReduceOp::sum);
    buffers.push_back(std::move(buffer));
    names.push_back(name.text);
    return done();
  }
  Work reduce_scatter(at::Tensor, at::Tensor, ReduceOp, OpName) override { return done(); }
  Work all_gather(at::Tensor, at::Tensor, OpName) override { return done(); }
  Work all_gather_unequal(std::vector<at::Tensor>, at::Tensor, OpName) override { return done(); }
  Work broadcast(at::Tensor, int, OpName) override { return done(); }
  Work barrier(OpName) override { return done(); }
  std::unique_ptr<Communicator> split(int, int) override { return nullptr; }
  void abort(std::string_view) noexcept override {}

  std::vector<std::string> names;
  std::vector<at::Tensor> buffers;

 private:
  class Done final : public WorkState {
   public:
    void wait() override {}
    void wait_stream() override {}
    bool done() const override { return true; }
  };
  static Work done() { return Work(std::make_shared<Done>()); }

  int size_;
};

TEST(GradientBucketer, GradientsAreViewsThatBackwardKeeps) {
  alone([](Communicator& comm) {
    at::Tensor weight = torch::ones({6, 4, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
    weight.requires_grad_();
    at::Tensor bias = torch::ones({5}).requires_grad_();
    GradientBucketer bucketer({{"weight", weight}, {"bias", bias}}, comm);
    const void* address = weight.grad().const_data_ptr();
    EXPECT_TRUE(weight.grad().strides().equals(weight.strides()));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(address) % 64, 0U);
    for (int turn = 0; turn < 2; ++turn) {
      bucketer.zero();
      bucketer.arm();
      ((weight * 2).sum() + (bias * 3).sum()).backward();
      bucketer.finish();
      EXPECT_EQ(weight.grad().const_data_ptr(), address);
      EXPECT_TRUE(weight.grad().eq(2).all().item<bool>());
      EXPECT_TRUE(bias.grad().eq(3).all().item<bool>());
      EXPECT_EQ(bucketer.bucket(0).sum().item<double>(), 6 * 4 * 9 * 2 + 5 * 3) << "gaps stay zero";
    }
  });
}

TEST(GradientBucketer, BucketsAreFilledFromTheEndByBytes) {
  alone([](Communicator& comm) {
    std::vector<NamedParameter> parameters;
    for (const std::int64_t size : {512, 16, 16, 100, 64, 16}) {
      parameters.push_back(
          {fmt::format("p{}", parameters.size()), torch::zeros({size}).requires_grad_()});
    }
    // In floats: limits 64 and 256; sizes from the end 16, 64, 112 (padded), 16, 16, 512.
    GradientBucketer bucketer(parameters, comm, kSmall);
    std::vector<std::int64_t> sizes;
    for (std::size_t i = 0; i < bucketer.bucket_count(); ++i) {
      sizes.push_back(bucketer.bucket(i).numel());
    }
    EXPECT_EQ(sizes, (std::vector<std::int64_t>{16, 64 + 112 + 16 + 16, 512}));
    const auto* last = bucketer.bucket(2).const_data_ptr<float>();
    EXPECT_EQ(parameters[0].tensor.grad().const_data_ptr<float>(), last);
  });
}

TEST(GradientBucketer, ABucketHoldsOneType) {
  alone([](Communicator& comm) {
    const std::vector<NamedParameter> parameters{
        {"wide", torch::zeros({4}, torch::kDouble).requires_grad_()},
        {"narrow", torch::zeros({4}).requires_grad_()}};
    GradientBucketer bucketer(parameters, comm);
    ASSERT_EQ(bucketer.bucket_count(), 2U);
    EXPECT_EQ(bucketer.bucket(0).scalar_type(), torch::kFloat);
    EXPECT_EQ(bucketer.bucket(1).scalar_type(), torch::kDouble);
    parameters[0].tensor.grad().fill_(3);
    parameters[1].tensor.grad().fill_(4);
    EXPECT_DOUBLE_EQ(bucketer.norm(), std::sqrt(4 * 9 + 4 * 16));
  });
}

TEST(GradientBucketer, SendsInsideBackwardAndInOrder) {
  RecordingCommunicator comm(2);
  const ToyNetwork network(1);
  GradientBucketer bucketer(network.parameters(), comm, kSmall, "grad/student");
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < bucketer.bucket_count(); ++i) {
    expected.push_back(fmt::format("grad/student bucket {}", i));
  }
  network.loss(0, 0).backward();
  EXPECT_TRUE(comm.names.empty()) << "an unarmed backward only accumulates";
  bucketer.arm();
  network.loss(0, 1).backward();
  EXPECT_EQ(comm.names, expected) << "all are on their way before finish()";
  bucketer.finish();
  EXPECT_EQ(comm.names.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(comm.buffers[i].const_data_ptr(), bucketer.bucket(i).const_data_ptr());
  }
}

TEST(GradientBucketer, CompressedGradientsTravelAsBfloat16) {
  RecordingCommunicator comm(2);
  const at::Tensor weight = torch::zeros({100}).requires_grad_();
  const at::Tensor narrow = torch::zeros({100}, torch::kBFloat16).requires_grad_();
  BucketOptions options = kSmall;
  options.compression = GradientCompression::bf16;
  GradientBucketer bucketer({{"weight", weight}, {"narrow", narrow}}, comm, options);
  bucketer.arm();
  (weight.sum() + narrow.sum().to(torch::kFloat)).backward();
  bucketer.finish();
  ASSERT_EQ(comm.buffers.size(), 2U);
  for (const at::Tensor& buffer : comm.buffers) EXPECT_EQ(buffer.scalar_type(), torch::kBFloat16);
  EXPECT_EQ(comm.buffers[0].const_data_ptr(), bucketer.bucket(0).const_data_ptr())
      << "what is narrow anyway travels as it is";
  EXPECT_EQ(weight.grad().scalar_type(), torch::kFloat);
}

TEST(GradientBucketer, ABucketWaitsForThoseBeforeIt) {
  RecordingCommunicator comm(2);
  const at::Tensor early = torch::ones({64}).requires_grad_();
  const at::Tensor late = torch::ones({64}).requires_grad_();
  GradientBucketer bucketer({{"early", early}, {"late", late}}, comm, kSmall);
  ASSERT_EQ(bucketer.bucket_count(), 2U);
  bucketer.arm();
  early.sum().backward();  // the second bucket is complete, the first is not
  EXPECT_TRUE(comm.names.empty());
  late.sum().backward();
  EXPECT_EQ(comm.names, (std::vector<std::string>{"grad bucket 0", "grad bucket 1"}));
  bucketer.finish();
}

/// A step whose exchange cannot start learns it where it is: in backward().
TEST(GradientBucketer, AFailedCommunicatorComesOutOfBackward) {
  run_in_process(2, [](Communicator& comm) {
    if (comm.rank() == 1) return comm.abort("shard 7 is damaged");
    expect_contains(message_of<CommError>([&] { comm.barrier("before the step").wait(); }),
                    "shard 7");
    const ToyNetwork network(1);
    GradientBucketer bucketer(network.parameters(), comm, kSmall);
    bucketer.arm();
    const std::string message = message_of<CommError>([&] { network.loss(0, 0).backward(); });
    expect_contains(message, "'grad bucket 0'");
    expect_contains(message, "was not started");
    expect_contains(message, "shard 7 is damaged");
  });
}

/// The other rank leaves in the middle of the exchange: backward or finish() ends with the reason.
TEST(GradientBucketer, AFailureOfTheExchangeEndsTheStep) {
  run_in_process(2, [](Communicator& comm) {
    const ToyNetwork network(1);
    GradientBucketer bucketer(network.parameters(), comm, kSmall);
    bucketer.arm();
    const at::Tensor first_layer = network.parameters().front().tensor;
    if (comm.rank() == 1) {
      // Backward has sent what comes before the first layer, and then finds that it cannot go on.
      first_layer.register_hook([](const at::Tensor&) { fail<DataError>("no more memory"); });
      EXPECT_EQ(message_of<DataError>([&] { network.loss(1, 0).backward(); }), "no more memory");
      return comm.abort("no more memory");
    }
    const std::string message = message_of<CommError>([&] {
      network.loss(0, 0).backward();
      bucketer.finish();
    });
    expect_contains(message, "rank 1/2");
    expect_contains(message, "no more memory");
  });
}

TEST(GradientBucketer, OneRankSendsNothing) {
  RecordingCommunicator comm(1);
  const ToyNetwork network(1);
  GradientBucketer bucketer(network.parameters(), comm, kSmall);
  bucketer.arm();
  network.loss(0, 0).backward();
  bucketer.finish();
  EXPECT_TRUE(comm.names.empty());
}

TEST(GradientBucketer, UnusedParametersAreNamed) {
  alone([](Communicator& comm) {
    const ToyNetwork network(1);
    GradientBucketer bucketer(network.parameters(), comm, kSmall);
    bucketer.arm();
    network.loss_without_first_layer(0).backward();
    expect_contains(
        message_of<InternalError>([&] { bucketer.finish(); }),
        "grad: 2 of 12 parameters got no gradient in the armed backward: layer0.weight, "
        "layer0.bias. Leave them out");
    EXPECT_FALSE(bucketer.is_armed());
    bucketer.arm();
    expect_contains(message_of<InternalError>([&] { bucketer.finish(); }), "and 2 more");
  });
}

TEST(GradientBucketer, MisuseIsAnErrorThatTeaches) {
  alone([](Communicator& comm) {
    const ToyNetwork network(1);
    GradientBucketer bucketer(network.parameters(), comm, kSmall);
    expect_contains(message_of<InternalError>([&] { bucketer.finish(); }), "without arm()");
    bucketer.arm();
    expect_contains(message_of<InternalError>([&] { bucketer.arm(); }), "armed twice");
    expect_contains(message_of<InternalError>([&] { bucketer.zero(); }), "zero() between");
    network.loss(0, 0).backward();
    expect_contains(message_of<InternalError>([&] { network.loss(0, 1).backward(); }),
                    "arrived twice after arm()");
    expect_contains(message_of<InternalError>(
                        [&] { GradientBucketer other(network.parameters(), comm, kSmall); }),
                    "already belongs to another bucketer");
  });
}

TEST(GradientBucketer, AReplacedGradientIsNoticed) {
  alone([](Communicator& comm) {
    const ToyNetwork network(1);
    GradientBucketer bucketer(network.parameters(), comm, kSmall);
    at::Tensor parameter = network.parameters()[4].tensor;
    const at::Tensor view = parameter.grad();
    parameter.mutable_grad() = at::Tensor();
    expect_contains(message_of<InternalError>([&] { bucketer.arm(); }),
                    "'layer2.weight' is no longer");
    parameter.mutable_grad() = view;
    bucketer.arm();
    parameter.mutable_grad() = view.clone();
    expect_contains(message_of<InternalError>([&] { network.loss(0, 0).backward(); }),
                    "'layer2.weight' is no longer a view");
  });
}

TEST(GradientBucketer, RefusesWhatHasNoPlaceInABucket) {
  alone([](Communicator& comm) {
    const auto message = [&](const at::Tensor& tensor) {
      return message_of<InternalError>([&] { GradientBucketer bucketer({{"odd", tensor}}, comm); });
    };
    expect_contains(message(torch::zeros({3})), "'odd' is no leaf that requires a gradient");
    expect_contains(message(torch::zeros({3}).requires_grad_() * 2), "'odd' is no leaf");
    const at::Tensor twice = torch::zeros({3}).requires_grad_();
    expect_contains(message_of<InternalError>([&] {
                      GradientBucketer bucketer({{"a", twice}, {"b", twice}}, comm);
                    }),
                    "'b' was given twice");
    EXPECT_EQ(torch::autograd::impl::post_acc_grad_hooks(twice), nullptr)
        << "hooks were left behind";
  });
}

TEST(GradientBucketer, ItsHooksEndWithIt) {
  alone([](Communicator& comm) {
    const ToyNetwork network(1);
    const at::Tensor parameter = network.parameters()[0].tensor;
    {
      GradientBucketer bucketer(network.parameters(), comm, kSmall);
      EXPECT_NE(torch::autograd::impl::post_acc_grad_hooks(parameter), nullptr);
      bucketer.arm();  // destroyed while armed
    }
    EXPECT_EQ(torch::autograd::impl::post_acc_grad_hooks(parameter), nullptr);
    network.loss(0, 0).backward();
    network.loss(0, 0).backward();
    GradientBucketer again(network.parameters(), comm, kSmall);
    again.arm();
    network.loss(0, 0).backward();
    again.finish();
  });
}

TEST(GradientBucketer, NormSeesEveryValueThatIsNotFinite) {
  alone([](Communicator& comm) {
    const ToyNetwork network(1);
    GradientBucketer bucketer(network.parameters(), comm, kSmall);
    EXPECT_EQ(bucketer.norm(), 0);
    EXPECT_TRUE(bucketer.non_finite().empty());
    at::Tensor gradient = network.parameters()[5].tensor.grad();
    gradient[0] = std::numeric_limits<float>::max();
    gradient[1] = std::numeric_limits<float>::max();
    EXPECT_TRUE(std::isfinite(bucketer.norm())) << "squares are taken in double";
    for (const double value : {std::numeric_limits<double>::infinity(), std::nan("")}) {
      gradient[7] = value;
      EXPECT_FALSE(std::isfinite(bucketer.norm()));
      EXPECT_FALSE(std::isfinite(bucketer.clip(1)));
      EXPECT_EQ(bucketer.non_finite(), std::vector<std::string>{"layer2.bias"});
      EXPECT_EQ(gradient[0].item<float>(), std::numeric_limits<float>::max())
          << "nothing was scaled";
    }
  });
}

TEST(GradientBucketer, NormDoesNotDependOnTheNumberOfThreads) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer does not see the barriers of LibTorch's OpenMP threads";
#endif
  alone([](Communicator& comm) {
    const at::Tensor weight = torch::zeros({300, 1000}).requires_grad_();
    GradientBucketer bucketer({{"weight", weight}}, comm);
    weight.grad().copy_((torch::arange(300000, torch::kDouble) * 0.37).sin().view({300, 1000}));
    const double reference = weight.grad().to(torch::kDouble).square().sum().sqrt().item<double>();
    const int threads = at::get_num_threads();
    at::set_num_threads(1);
    const double one = bucketer.norm();
    at::set_num_threads(3);
    const double three = bucketer.norm();
    at::set_num_threads(threads);
    EXPECT_EQ(one, three);
    EXPECT_NEAR(one, reference, 1e-10 * reference);
  });
}

}  // namespace
}  // namespace dusk
