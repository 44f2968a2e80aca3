// How the program is linked to LibTorch: mistakes here change no result and cost most of the speed.

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdint>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "sharding/pictures.hpp"

namespace dusk {
namespace {

// OpenCV brings Debian's reference BLAS into every program that reads pictures. It must not take
// the place of the BLAS inside LibTorch: that one is ten times as fast.
TEST(LibTorch, ItsSgemmIsBound) {
  // Linked in, so that OpenCV and its BLAS are loaded as in the program itself.
  EXPECT_ANY_THROW((void)sharding::read_image("/nonexistent.png"));
  void* const sgemm = ::dlsym(RTLD_DEFAULT, "sgemm_");
  ASSERT_NE(sgemm, nullptr);
  Dl_info info{};
  ASSERT_NE(::dladdr(sgemm, &info), 0);
  EXPECT_NE(std::string(info.dli_fname).find("libtorch_cpu"), std::string::npos) << info.dli_fname;
}

TEST(LibTorch, AnotherSgemmIsLoadedSoThatTheTestCanFail) {
  EXPECT_ANY_THROW((void)sharding::read_image("/nonexistent.png"));
  void* const blas = ::dlopen("libblas.so.3", RTLD_NOLOAD | RTLD_LAZY);
  if (blas == nullptr) GTEST_SKIP() << "this OpenCV does not bring a BLAS of its own";
  EXPECT_NE(::dlsym(blas, "sgemm_"), ::dlsym(RTLD_DEFAULT, "sgemm_"));
  ::dlclose(blas);
}

#ifndef __SANITIZE_THREAD__  // it does not understand OpenMP: there our loops run on one thread
TEST(LibTorch, OurLoopsRunOnItsThreads) {
  at::set_num_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  at::parallel_for(0, 2, /*grain_size=*/1, [&](std::int64_t, std::int64_t) {
    const std::scoped_lock lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(threads.size(), 2U);
}
#endif

TEST(LibTorch, OneOpenMpRuntimeIsLoaded) {
  std::ifstream maps("/proc/self/maps");
  std::set<std::string> runtimes;
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/');
    if (path != std::string::npos && line.find("omp", line.rfind('/')) != std::string::npos) {
      runtimes.insert(line.substr(path));
    }
  }
  EXPECT_EQ(runtimes.size(), 1U) << ::testing::PrintToString(runtimes);
}

}  // namespace
}  // namespace dusk
