#include "support/communicator_suite.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "dusk/base/random.hpp"
#include "dusk/comm/collectives.hpp"
#include "support/communicator_values.hpp"

namespace dusk::test {

at::Tensor CommunicatorSuite::on_device(const at::Tensor& tensor) const {
  return tensor.to(GetParam().device);
}

namespace {

TEST_P(CommunicatorSuite, KnowsRankAndSize) {
  run([&](Communicator& comm) {
    EXPECT_GE(comm.rank(), 0);
    EXPECT_LT(comm.rank(), comm.size());
    EXPECT_FALSE(comm.description().empty());
    at::Tensor ranks = on_device(at::zeros({comm.size()}, at::kLong));
    comm.all_gather(ranks, on_device(at::full({1}, comm.rank(), at::kLong)), "ranks").wait();
    EXPECT_TRUE(same(ranks, at::arange(comm.size(), at::kLong)));
  });
}

TEST_P(CommunicatorSuite, AllReduceOfEveryTypeAndSize) {
  run([&](Communicator& comm) {
    for (const c10::ScalarType type : kTypes) {
      for (const std::int64_t count : counts(GetParam(), type)) {
        at::Tensor buffer = on_device(filled(comm.rank(), count, type));
        comm.all_reduce(buffer, ReduceOp::sum, "sum").wait();
        EXPECT_TRUE(same(buffer, reduced(comm.size(), count, type, ReduceOp::sum)))
            << c10::toString(type) << " x " << count;
      }
    }
  });
}

TEST_P(CommunicatorSuite, AllReduceOfEveryOperation) {
  run([&](Communicator& comm) {
    for (const c10::ScalarType type : kTypes) {
      for (const ReduceOp op : kOps) {
        if (op == ReduceOp::mean && !c10::isFloatingType(type)) continue;
        for (const std::int64_t count : {std::int64_t{29}, std::int64_t{5000}}) {
          at::Tensor buffer = on_device(filled(comm.rank(), count, type));
          comm.all_reduce(buffer, op, "any").wait();
          EXPECT_TRUE(same_reduction(GetParam(), op, buffer, reduced(comm.size(), count, type, op)))
              << c10::toString(type) << " " << to_string(op) << " x " << count;
        }
      }
    }
  });
}

/// Many chunks, the last of them short; no more than what loaded machines exchange within seconds.
TEST_P(CommunicatorSuite, AllReduceOfLongBuffers) {
  run([&](Communicator& comm) {
    constexpr std::int64_t kMostChunks = 1500;
    const auto chunk = static_cast<std::int64_t>(GetParam().chunk.value / sizeof(float));
    const std::int64_t most = std::min<std::int64_t>(1 << 20, kMostChunks * chunk);
    for (const std::int64_t count : {most / 3 + 1, most + 3}) {
      at::Tensor buffer = on_device(filled(comm.rank(), count, at::kFloat));
      comm.all_reduce(buffer, ReduceOp::mean, "long").wait();
      EXPECT_TRUE(same_reduction(GetParam(), ReduceOp::mean, buffer,
                                 reduced(comm.size(), count, at::kFloat, ReduceOp::mean)));
    }
  });
}

TEST_P(CommunicatorSuite, AllReduceKeepsTheShapeAndTakesChannelsLast) {
  run([&](Communicator& comm) {
    const at::Tensor plain = filled(comm.rank(), 2 * 3 * 4 * 5, at::kFloat).view({2, 3, 4, 5});
    at::Tensor buffer = on_device(plain.contiguous(at::MemoryFormat::ChannelsLast));
    comm.all_reduce(buffer, ReduceOp::sum, "channels last").wait();
    EXPECT_TRUE(buffer.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_TRUE(
        same(buffer, reduced(comm.size(), 120, at::kFloat, ReduceOp::sum).view({2, 3, 4, 5})));
  });
}

/// Real numbers, where the order of a sum shows: rank 0 first, then 1, and so on.
TEST_P(CommunicatorSuite, SumsInRankOrder) {
  if (!GetParam().host) GTEST_SKIP() << "the order is the library's";
  run([&](Communicator& comm) {
    for (const std::int64_t count : {1000, 40'000}) {
      std::vector<at::Tensor> inputs;
      for (int rank = 0; rank < comm.size(); ++rank) {
        Random random(7, {static_cast<std::uint64_t>(rank)});
        at::Tensor input = at::empty({count}, at::kFloat);
        auto* data = input.mutable_data_ptr<float>();
        for (std::int64_t i = 0; i < count; ++i) {
          data[i] = static_cast<float>(random.normal() * std::pow(10.0, random.uniform(-3, 3)));
        }
        inputs.push_back(input);
      }
      at::Tensor expected = inputs[0].clone();
      for (int rank = 1; rank < comm.size(); ++rank) {
        expected = expected + inputs[static_cast<std::size_t>(rank)];
      }
      at::Tensor buffer = inputs[static_cast<std::size_t>(comm.rank())].clone();
      comm.all_reduce(buffer, ReduceOp::sum, "real numbers").wait();
      EXPECT_TRUE(same(buffer, expected));
    }
  });
}

/// 256 + 1 + 1 is 256 when every step is rounded to bfloat16, and 258 in float32 rounded once.
TEST_P(CommunicatorSuite, NarrowFloatsAreSummedInFloat32) {
  if (!GetParam().host) GTEST_SKIP() << "the precision is the library's";
  run([&](Communicator& comm) {
    for (const auto& [type, large] :
         {std::pair{at::kBFloat16, 256.0}, std::pair{at::kHalf, 2048.0}}) {
      for (const std::int64_t count : {10, 9000}) {
        const double own = comm.rank() == 0 ? large : 1.0;
        at::Tensor buffer = at::full({count}, own, type);
        comm.all_reduce(buffer, ReduceOp::sum, "narrow").wait();
        const at::Tensor expected = at::full({count}, large + (comm.size() - 1), at::kDouble);
        EXPECT_TRUE(same(buffer, expected.to(type)));
      }
    }
  });
}

TEST_P(CommunicatorSuite, IntegerSumsWrap) {
  run([&](Communicator& comm) {
    at::Tensor bytes = on_device(at::full({3}, 200, at::kByte));
    comm.all_reduce(bytes, ReduceOp::sum, "bytes").wait();
    EXPECT_TRUE(same(bytes, at::full({3}, (200 * comm.size()) % 256, at::kByte)));
  });
}

TEST_P(CommunicatorSuite, MaxAndMinHandNanThrough) {
  if (!GetParam().host) GTEST_SKIP() << "the library decides";
  run([&](Communicator& comm) {
    for (const ReduceOp op : {ReduceOp::max, ReduceOp::min}) {
      for (int holder = 0; holder < comm.size(); ++holder) {
        at::Tensor buffer = at::full({2}, comm.rank(), at::kFloat);
        if (comm.rank() == holder) buffer[1] = std::numeric_limits<float>::quiet_NaN();
        comm.all_reduce(buffer, op, "with a NaN").wait();
        EXPECT_EQ(buffer[0].item<float>(), op == ReduceOp::max ? comm.size() - 1 : 0);
        EXPECT_TRUE(std::isnan(buffer[1].item<float>())) << "held by rank " << holder;
      }
    }
  });
}

TEST_P(CommunicatorSuite, ReduceScatter) {
  run([&](Communicator& comm) {
    for (const c10::ScalarType type : kTypes) {
      for (const std::int64_t count : counts(GetParam(), type)) {
        const at::Tensor input = on_device(filled(comm.rank(), count * comm.size(), type));
        at::Tensor output = on_device(at::zeros({count}, type));
        comm.reduce_scatter(output, input, ReduceOp::sum, "parts").wait();
        EXPECT_TRUE(
            same(output, reduced(comm.size(), count, type, ReduceOp::sum, count * comm.rank())))
            << c10::toString(type) << " x " << count;
        EXPECT_TRUE(same(input, filled(comm.rank(), count * comm.size(), type)));
      }
    }
  });
}

TEST_P(CommunicatorSuite, ReduceScatterOfEveryOperation) {
  run([&](Communicator& comm) {
    constexpr std::int64_t kCount = 3000;
    for (const c10::ScalarType type : kTypes) {
      for (const ReduceOp op : kOps) {
        if (op == ReduceOp::mean && !c10::isFloatingType(type)) continue;
        const at::Tensor input = on_device(filled(comm.rank(), kCount * comm.size(), type));
        at::Tensor output = on_device(at::zeros({kCount}, type));
        comm.reduce_scatter(output, input, op, "parts").wait();
        EXPECT_TRUE(same_reduction(GetParam(), op, output,
                                   reduced(comm.size(), kCount, type, op, kCount * comm.rank())))
            << c10::toString(type) << " " << to_string(op);
      }
    }
  });
}

/// Flags are bytes whose maximum says "on any rank" and whose minimum says "on all".
TEST_P(CommunicatorSuite, AllReduceOfFlags) {
  run([&](Communicator& comm) {
    for (int holder = -1; holder < comm.size(); ++holder) {
      const bool own = comm.rank() == holder;
      at::Tensor any = on_device(at::full({3}, own ? 1 : 0, at::kByte));
      at::Tensor all = on_device(at::full({3}, own ? 0 : 1, at::kByte));
      comm.all_reduce(any, ReduceOp::max, "any").wait();
      comm.all_reduce(all, ReduceOp::min, "all").wait();
      EXPECT_TRUE(same(any, at::full({3}, holder < 0 ? 0 : 1, at::kByte))) << "holder " << holder;
      EXPECT_TRUE(same(all, at::full({3}, holder < 0 ? 1 : 0, at::kByte))) << "holder " << holder;
      if (!GetParam().host) continue;  // the small agreements are for tensors of the host
      EXPECT_EQ(any_rank(comm, own, "any"), holder >= 0);
      EXPECT_EQ(all_ranks(comm, !own, "all"), holder < 0);
      EXPECT_EQ(sum(comm, comm.rank() + 1, "numbers"), comm.size() * (comm.size() + 1) / 2);
    }
  });
}

/// Nobody leaves the barrier before everybody has come: each rank counts up before, reads after.
TEST_P(CommunicatorSuite, BarrierFollowsEarlierOperations) {
  run([&](Communicator& comm) {
    for (int round = 0; round < 20; ++round) {
      at::Tensor counter = on_device(at::full({1}, round, at::kLong));
      const Work sum = comm.all_reduce(counter, ReduceOp::sum, "counter");
      comm.barrier("round").wait();
      EXPECT_TRUE(sum.done());
      EXPECT_EQ(counter.item<std::int64_t>(), round * comm.size());
    }
  });
}

/// Many operations of all kinds under way at once finish in order with the right results.
TEST_P(CommunicatorSuite, QueuedOperationsKeepTheirOrder) {
  run([&](Communicator& comm) {
    constexpr int kRounds = 40;
    std::vector<at::Tensor> sums;
    std::vector<at::Tensor> gathered;
    std::vector<Work> works;
    for (int round = 0; round < kRounds; ++round) {
      const std::int64_t count = 1 + round * 37;
      sums.push_back(on_device(filled(comm.rank() + round, count, at::kFloat)));
      gathered.push_back(on_device(at::zeros({comm.size() * count}, at::kByte)));
      works.push_back(comm.all_reduce(sums.back(), ReduceOp::sum, "round"));
      works.push_back(comm.all_gather(
          gathered.back(), on_device(filled(comm.rank(), count, at::kByte, round)), "round"));
      // Reduces what the operation before it in the queue has left.
      works.push_back(comm.all_reduce(sums.back(), ReduceOp::max, "round"));
    }
    for (auto work = works.rbegin(); work != works.rend(); ++work) work->wait();
    for (int round = 0; round < kRounds; ++round) {
      const std::int64_t count = 1 + round * 37;
      at::Tensor expected = at::zeros({count}, at::kFloat);
      for (int rank = 0; rank < comm.size(); ++rank) {
        expected += filled(rank + round, count, at::kFloat);
      }
      EXPECT_TRUE(same(sums[static_cast<std::size_t>(round)], expected)) << "round " << round;
      for (int rank = 0; rank < comm.size(); ++rank) {
        EXPECT_TRUE(same(gathered[static_cast<std::size_t>(round)].narrow(0, rank * count, count),
                         filled(rank, count, at::kByte, round)));
      }
    }
  });
}

TEST_P(CommunicatorSuite, StreamWaitsForTheResult) {
  run([&](Communicator& comm) {
    at::Tensor buffer = on_device(filled(comm.rank(), 70'000, at::kFloat));
    Work work = comm.all_reduce(buffer, ReduceOp::sum, "for the stream");
    work.wait_stream();
    const at::Tensor doubled = buffer * 2;
    EXPECT_TRUE(same(doubled, reduced(comm.size(), 70'000, at::kFloat, ReduceOp::sum) * 2));
    work.wait();
    EXPECT_TRUE(work.done());
  });
}

}  // namespace

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CommunicatorSuite);

}  // namespace dusk::test
