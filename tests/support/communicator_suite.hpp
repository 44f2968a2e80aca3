#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>

#include "dusk/base/units.hpp"
#include "dusk/comm/communicator.hpp"

namespace dusk::test {

/// One implementation of `Communicator` under test. The suite in communicator_*suite.cpp runs the
/// same tests on all of them; a test program instantiates it with INSTANTIATE_TEST_SUITE_P.
struct Backend {
  std::string name;
  /// Runs the body once on every rank (a thread each, or this process as one of several) with a
  /// communicator of its own.
  std::function<void(const std::function<void(Communicator&)>&)> run;
  c10::Device device{c10::kCPU};
  /// Chunk that buffers are cut into; the suite tries the sizes around it.
  Bytes chunk{};
  /// Host implementations add in rank order, agree on every operation and spread failures.
  bool host = true;
};

inline void PrintTo(const Backend& backend, std::ostream* out) {
  *out << backend.name;
}
inline std::string backend_name(const testing::TestParamInfo<Backend>& info) {
  return info.param.name;
}

class CommunicatorSuite : public testing::TestWithParam<Backend> {
 protected:
  void run(const std::function<void(Communicator&)>& body) const { GetParam().run(body); }
  [[nodiscard]] at::Tensor on_device(const at::Tensor& tensor) const;
};

/// The tests that are about failures; only for host implementations.
class CommunicatorFailureSuite : public CommunicatorSuite {};

}  // namespace dusk::test
