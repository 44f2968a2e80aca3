#include "support/communicator_suite.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"
#include "dusk/comm/collectives.hpp"
#include "support/expect_error.hpp"

namespace dusk::test {

at::Tensor CommunicatorSuite::on_device(const at::Tensor& tensor) const {
  return tensor.to(GetParam().device);
}

namespace {

constexpr c10::ScalarType kTypes[] = {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf,
                                      at::kLong,  at::kInt,    at::kByte};
constexpr ReduceOp kOps[] = {ReduceOp::sum, ReduceOp::mean, ReduceOp::max, ReduceOp::min};

/// Small whole numbers that depend on rank and position; exact in every type, also their sums.
std::int64_t value(int rank, std::int64_t i) {
  return (i * 7 + rank * 5 + i / 13) % 11;
}

/// A tensor of value(rank, offset + i) in the given type.
at::Tensor filled(int rank, std::int64_t count, c10::ScalarType type, std::int64_t offset = 0) {
  at::Tensor whole = at::empty({count}, at::kLong);
  auto* data = whole.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) data[i] = value(rank, offset + i);
  return whole.to(type);
}

/// The reduction by a plain loop in float64, then rounded once to the type.
at::Tensor reduced(int ranks, std::int64_t count, c10::ScalarType type, ReduceOp op,
                   std::int64_t offset = 0) {
  at::Tensor whole = at::empty({count}, at::kDouble);
  auto* data = whole.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < count; ++i) {
    auto result = static_cast<double>(value(0, offset + i));
    for (int rank = 1; rank < ranks; ++rank) {
      const auto next = static_cast<double>(value(rank, offset + i));
      if (op == ReduceOp::max) result = std::max(result, next);
      if (op == ReduceOp::min) result = std::min(result, next);
      if (op == ReduceOp::sum || op == ReduceOp::mean) result += next;
    }
    data[i] = op == ReduceOp::mean ? result / ranks : result;
  }
  return whole.to(type);
}

/// Equal in shape, type and every value.
testing::AssertionResult same(const at::Tensor& actual, const at::Tensor& expected) {
  const at::Tensor host = actual.cpu();
  if (host.scalar_type() == expected.scalar_type() && at::equal(host, expected)) {
    return testing::AssertionSuccess();
  }
  if (host.sizes() != expected.sizes()) return testing::AssertionFailure() << "another shape";
  const at::Tensor wrong = host.ne(expected).nonzero();
  const auto first = wrong.numel() == 0 ? 0 : wrong[0].max().item<std::int64_t>();
  return testing::AssertionFailure()
         << wrong.size(0) << " of " << host.numel() << " values differ, the first at " << first
         << ": " << host.flatten()[first].item<double>() << " instead of "
         << expected.flatten()[first].item<double>();
}

/// Element counts around every boundary of the implementation.
std::vector<std::int64_t> counts(const Backend& backend, c10::ScalarType type) {
  const auto chunk = static_cast<std::int64_t>(backend.chunk.value / c10::elementSize(type));
  std::set<std::int64_t> counts{0, 1, 2, 3, 5, 17};
  for (const std::int64_t edge : {chunk, 2 * chunk, 5 * chunk}) {
    if (edge > 300'000) continue;
    counts.insert({edge - 1, edge, edge + 1});
  }
  const auto small = static_cast<std::int64_t>(8192 / c10::elementSize(type));
  counts.insert({small - 1, small, small + 1});
  return {counts.begin(), counts.end()};
}

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
          EXPECT_TRUE(same(buffer, reduced(comm.size(), count, type, op)))
              << c10::toString(type) << " " << to_string(op) << " x " << count;
        }
      }
    }
  });
}

TEST_P(CommunicatorSuite, AllReduceOfLongBuffers) {
  run([&](Communicator& comm) {
    for (const std::int64_t count : {300'001, 1'048'576 + 3}) {
      at::Tensor buffer = on_device(filled(comm.rank(), count, at::kFloat));
      comm.all_reduce(buffer, ReduceOp::mean, "long").wait();
      EXPECT_TRUE(same(buffer, reduced(comm.size(), count, at::kFloat, ReduceOp::mean)));
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

TEST_P(CommunicatorSuite, AllGather) {
  run([&](Communicator& comm) {
    for (const c10::ScalarType type : kTypes) {
      for (const std::int64_t count : counts(GetParam(), type)) {
        at::Tensor output = on_device(at::zeros({comm.size() * count}, type));
        comm.all_gather(output, on_device(filled(comm.rank(), count, type)), "equal parts").wait();
        std::vector<at::Tensor> expected;
        for (int rank = 0; rank < comm.size(); ++rank)
          expected.push_back(filled(rank, count, type));
        EXPECT_TRUE(same(output, at::cat(expected))) << c10::toString(type) << " x " << count;
      }
    }
  });
}

TEST_P(CommunicatorSuite, AllGatherInPlace) {
  run([&](Communicator& comm) {
    constexpr std::int64_t kCount = 4000;
    at::Tensor output = on_device(at::zeros({comm.size() * kCount}, at::kFloat));
    at::Tensor own = output.narrow(0, comm.rank() * kCount, kCount);
    own.copy_(filled(comm.rank(), kCount, at::kFloat));
    comm.all_gather(output, own, "in place").wait();
    for (int rank = 0; rank < comm.size(); ++rank) {
      EXPECT_TRUE(same(output.narrow(0, rank * kCount, kCount), filled(rank, kCount, at::kFloat)));
    }
  });
}

TEST_P(CommunicatorSuite, AllGatherOfUnequalParts) {
  run([&](Communicator& comm) {
    const auto chunk =
        static_cast<std::int64_t>(std::min<std::size_t>(GetParam().chunk.value, 4096));
    for (const std::int64_t unit : {std::int64_t{1}, std::int64_t{7}, chunk + 1}) {
      for (int empty = -1; empty < comm.size(); ++empty) {
        const auto length = [&](int rank) {
          return rank == empty ? 0 : unit * (1 + (rank * 2) % 3);
        };
        std::vector<at::Tensor> outputs;
        for (int rank = 0; rank < comm.size(); ++rank) {
          outputs.push_back(on_device(at::zeros({length(rank)}, at::kInt)));
        }
        const at::Tensor input = on_device(filled(comm.rank(), length(comm.rank()), at::kInt));
        comm.all_gather_unequal(outputs, input, "unequal parts").wait();
        for (int rank = 0; rank < comm.size(); ++rank) {
          EXPECT_TRUE(
              same(outputs[static_cast<std::size_t>(rank)], filled(rank, length(rank), at::kInt)))
              << "part of rank " << rank << ", empty " << empty << ", unit " << unit;
        }
      }
    }
  });
}

TEST_P(CommunicatorSuite, BroadcastFromEveryRank) {
  run([&](Communicator& comm) {
    for (const c10::ScalarType type : kTypes) {
      for (const std::int64_t count : counts(GetParam(), type)) {
        for (int root = 0; root < comm.size(); ++root) {
          at::Tensor buffer = on_device(filled(comm.rank(), count, type));
          comm.broadcast(buffer, root, "from one to all").wait();
          EXPECT_TRUE(same(buffer, filled(root, count, type)))
              << c10::toString(type) << " x " << count << " from " << root;
        }
      }
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

/// Even and odd ranks, in reverse order; works beside the whole, and can be split again.
TEST_P(CommunicatorSuite, Split) {
  run([&](Communicator& comm) {
    const int color = comm.rank() % 2;
    const auto half = comm.split(color, -comm.rank());
    ASSERT_NE(half, nullptr);
    std::vector<int> members;
    for (int rank = comm.size() - 1; rank >= 0; --rank) {
      if (rank % 2 == color) members.push_back(rank);
    }
    EXPECT_EQ(half->size(), static_cast<int>(members.size()));
    EXPECT_EQ(members[static_cast<std::size_t>(half->rank())], comm.rank());

    at::Tensor own = on_device(at::full({1}, comm.rank(), at::kLong));
    at::Tensor in_half = on_device(at::zeros({half->size()}, at::kLong));
    at::Tensor in_all = on_device(at::zeros({comm.size()}, at::kLong));
    Work first = comm.all_gather(in_all, own, "whole");
    half->all_gather(in_half, own, "half").wait();
    first.wait();
    for (int i = 0; i < half->size(); ++i) {
      EXPECT_EQ(in_half[i].item<int>(), members[static_cast<std::size_t>(i)]);
    }
    EXPECT_TRUE(same(in_all, at::arange(comm.size(), at::kLong)));

    const auto alone = half->split(half->rank(), 0);
    ASSERT_NE(alone, nullptr);
    EXPECT_EQ(alone->size(), 1);
    comm.barrier("all are done with their parts").wait();
  });
}

TEST_P(CommunicatorSuite, SplitLeavesOutNegativeColors) {
  run([&](Communicator& comm) {
    const auto part = comm.split(comm.rank() == 0 ? -1 : 5, 0);
    EXPECT_EQ(part == nullptr, comm.rank() == 0);
    if (part) {
      at::Tensor one = on_device(at::ones({1}, at::kLong));
      part->all_reduce(one, ReduceOp::sum, "members").wait();
      EXPECT_EQ(one.item<int>(), comm.size() - 1);
    }
    comm.barrier("all are done with their parts").wait();
  });
}

/// A wrong argument is refused before anything is sent: the communicator works on.
TEST_P(CommunicatorSuite, WrongArgumentsAreRefusedAtTheCall) {
  run([&](Communicator& comm) {
    const int ranks = comm.size();
    const at::Tensor good = on_device(at::zeros({4}, at::kFloat));
    const auto refused = [](const std::string& part, const std::function<void()>& call) {
      expect_contains(message_of<InternalError>(call), part);
    };
    const auto reduce = [&](const at::Tensor& buffer, ReduceOp op = ReduceOp::sum) {
      return [&comm, buffer, op] { comm.all_reduce(buffer, op, "bad").wait(); };
    };
    refused("'bad': buffer is undefined", reduce(at::Tensor()));
    refused("type Bool", reduce(on_device(at::zeros({4}, at::kBool))));
    refused("gaps", reduce(on_device(at::zeros({4, 4}, at::kFloat)).narrow(1, 0, 2)));
    refused("no mean", reduce(on_device(at::zeros({4}, at::kLong)), ReduceOp::mean));
    refused("root", [&] { comm.broadcast(good, ranks, "bad").wait(); });
    refused("root", [&] { comm.broadcast(good, -1, "bad").wait(); });
    refused("not contiguous", [&] {
      comm.all_gather(on_device(at::zeros({ranks + 1, 2}, at::kFloat)).narrow(1, 0, 1), good, "bad")
          .wait();
    });
    refused("its place in the output", [&] {
      comm.all_gather(on_device(at::zeros({ranks * 5}, at::kFloat)), good, "bad").wait();
    });
    refused("output has type", [&] {
      comm.all_gather(on_device(at::zeros({ranks * 4}, at::kInt)), good, "bad").wait();
    });
    refused("outputs given for", [&] {
      comm.all_gather_unequal(std::vector<at::Tensor>(static_cast<std::size_t>(ranks + 1), good),
                              good, "bad")
          .wait();
    });
    refused("must be", [&] {
      comm.reduce_scatter(good, on_device(at::zeros({4 * ranks + 1}, at::kFloat)), ReduceOp::sum,
                          "bad")
          .wait();
    });
    refused("overlap", [&] {
      const at::Tensor whole = on_device(at::zeros({4 * ranks}, at::kFloat));
      comm.reduce_scatter(whole.narrow(0, 0, 4), whole, ReduceOp::sum, "bad").wait();
    });

    at::Tensor one = on_device(at::ones({1}, at::kFloat));
    comm.all_reduce(one, ReduceOp::sum, "still works").wait();
    EXPECT_EQ(one.item<float>(), static_cast<float>(ranks));
  });
}

}  // namespace

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CommunicatorSuite);

}  // namespace dusk::test
