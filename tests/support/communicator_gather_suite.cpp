#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/comm/collectives.hpp"
#include "support/communicator_suite.hpp"
#include "support/communicator_values.hpp"
#include "support/expect_error.hpp"

namespace dusk::test {
namespace {

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

TEST_P(CommunicatorSuite, AllGatherOfUnequalPartsOfEveryType) {
  run([&](Communicator& comm) {
    for (const c10::ScalarType type : kTypes) {
      const auto chunk = static_cast<std::int64_t>(
          std::min<std::size_t>(GetParam().chunk.value, 65'536) / c10::elementSize(type));
      // Nothing of the last rank; the others have a part around the chunk's end.
      const auto length = [&](int rank) {
        return rank == comm.size() - 1 ? 0 : std::max<std::int64_t>(chunk - 1 + rank, 0);
      };
      std::vector<at::Tensor> outputs;
      for (int rank = 0; rank < comm.size(); ++rank) {
        outputs.push_back(on_device(at::zeros({length(rank)}, type)));
      }
      const at::Tensor input = on_device(filled(comm.rank(), length(comm.rank()), type));
      comm.all_gather_unequal(outputs, input, "unequal parts").wait();
      for (int rank = 0; rank < comm.size(); ++rank) {
        EXPECT_TRUE(same(outputs[static_cast<std::size_t>(rank)], filled(rank, length(rank), type)))
            << c10::toString(type) << ", part of rank " << rank;
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

template <class T>
void exchange_spans(Communicator& comm) {
  const auto ranks = static_cast<T>(comm.size());
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{700}}) {
    std::vector<T> values(count, static_cast<T>(comm.rank() + 1));
    all_reduce(comm, std::span<T>(values), ReduceOp::sum, "span");
    EXPECT_EQ(values, std::vector<T>(count, static_cast<T>(ranks * (ranks + 1) / 2)));

    values.assign(count, static_cast<T>(comm.rank() + 3));
    broadcast(comm, std::span<T>(values), comm.size() - 1, "span");
    EXPECT_EQ(values, std::vector<T>(count, static_cast<T>(ranks + 2)));

    values.assign(count, static_cast<T>(comm.rank()));
    std::vector<T> expected;
    for (int rank = 0; rank < comm.size(); ++rank) {
      expected.insert(expected.end(), count, static_cast<T>(rank));
    }
    EXPECT_EQ(all_gather(comm, std::span<const T>(values), "span"), expected);
  }
}

TEST_P(CommunicatorSuite, SpansAreExchangedAsTensorsAre) {
  if (!GetParam().host) GTEST_SKIP() << "spans are memory of the host";
  run([&](Communicator& comm) {
    exchange_spans<float>(comm);
    exchange_spans<double>(comm);
    exchange_spans<std::int64_t>(comm);
    exchange_spans<std::int32_t>(comm);
    exchange_spans<std::uint8_t>(comm);
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

/// A part of a part has the right ranks, works beside both, and outlives them.
TEST_P(CommunicatorSuite, NestedSplit) {
  run([&](Communicator& comm) {
    const int last = comm.size() - 1;
    auto most = comm.split(comm.rank() == last && last > 0 ? -1 : 0, -comm.rank());
    std::unique_ptr<Communicator> first_two;
    if (most) {
      first_two = most->split(comm.rank() < 2 ? 7 : 8, comm.rank());
      at::Tensor ranks = on_device(at::full({1}, comm.rank(), at::kLong));
      most->all_reduce(ranks, ReduceOp::sum, "all but the last").wait();
      EXPECT_EQ(ranks.item<int>(), last * (last - 1) / 2);
    }
    most.reset();
    if (first_two) {
      const int expected = comm.rank() < 2 ? std::min(2, std::max(last, 1)) : last - 2;
      EXPECT_EQ(first_two->size(), expected);
      at::Tensor ranks = on_device(at::zeros({first_two->size()}, at::kLong));
      const at::Tensor own = on_device(at::full({1}, comm.rank(), at::kLong));
      first_two->all_gather(ranks, own, "nested").wait();
      EXPECT_TRUE(same(ranks, at::arange(expected, at::kLong) + (comm.rank() < 2 ? 0 : 2)));
    }
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
}  // namespace dusk::test
