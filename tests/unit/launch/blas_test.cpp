// OpenCV brings Debian's reference BLAS into every program that reads pictures. It must not take
// the place of the BLAS inside LibTorch: that one is ten times as fast.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <string>

#include "sharding/pictures.hpp"

namespace dusk {
namespace {

TEST(Blas, SgemmIsLibTorchs) {
  // Linked in, so that OpenCV and its BLAS are loaded as in the program itself.
  EXPECT_ANY_THROW((void)sharding::read_image("/nonexistent.png"));
  void* const sgemm = ::dlsym(RTLD_DEFAULT, "sgemm_");
  ASSERT_NE(sgemm, nullptr);
  Dl_info info{};
  ASSERT_NE(::dladdr(sgemm, &info), 0);
  EXPECT_NE(std::string(info.dli_fname).find("libtorch_cpu"), std::string::npos) << info.dli_fname;
}

TEST(Blas, AnotherOneIsLoadedSoThatTheTestCanFail) {
  EXPECT_ANY_THROW((void)sharding::read_image("/nonexistent.png"));
  void* const blas = ::dlopen("libblas.so.3", RTLD_NOLOAD | RTLD_LAZY);
  if (blas == nullptr) GTEST_SKIP() << "this OpenCV does not bring a BLAS of its own";
  EXPECT_NE(::dlsym(blas, "sgemm_"), ::dlsym(RTLD_DEFAULT, "sgemm_"));
  ::dlclose(blas);
}

}  // namespace
}  // namespace dusk
