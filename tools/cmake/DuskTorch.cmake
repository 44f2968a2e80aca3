# LibTorch as imported targets of our own.
#
# find_package(Torch) would demand nvcc and run its own CUDA detection; we need four libraries and
# two include folders. DUSK_LIBTORCH (cache or environment) names an unpacked LibTorch or a Python
# torch package; without it the wheel that tools/bootstrap unpacked into .deps is used.
#
# torch_cpu is linked directly, first and with --no-as-needed by every executable (see
# dusk_executable): a BLAS that another library drags in must not take over its sgemm_.
set(DUSK_LIBTORCH "$ENV{DUSK_LIBTORCH}" CACHE PATH "LibTorch: folder with lib/ and include/")
if(NOT DUSK_LIBTORCH)
  set(torch_root ${PROJECT_SOURCE_DIR}/.deps/libtorch/torch)
elseif(EXISTS ${DUSK_LIBTORCH}/torch/lib/libtorch_cpu.so)
  set(torch_root ${DUSK_LIBTORCH}/torch)
else()
  set(torch_root ${DUSK_LIBTORCH})
endif()
if(NOT EXISTS ${torch_root}/lib/libtorch_cpu.so)
  message(FATAL_ERROR "No LibTorch in ${torch_root} (looked for lib/libtorch_cpu.so).\n"
    "Run tools/bootstrap, or set DUSK_LIBTORCH to an unpacked LibTorch or a Python torch folder.")
endif()
set(DUSK_TORCH_ROOT ${torch_root})

if(DUSK_CUDA STREQUAL "AUTO" OR DUSK_CUDA)
  find_package(CUDAToolkit QUIET)
  find_library(DUSK_NCCL_LIBRARY nccl HINTS ${CUDAToolkit_LIBRARY_DIR})
  find_path(DUSK_NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  if(CUDAToolkit_FOUND AND DUSK_NCCL_LIBRARY AND DUSK_NCCL_INCLUDE
     AND EXISTS ${torch_root}/lib/libtorch_cuda.so)
    set(DUSK_WITH_CUDA ON)
  elseif(DUSK_CUDA STREQUAL "AUTO")
    set(DUSK_WITH_CUDA OFF)
  else()
    message(FATAL_ERROR "DUSK_CUDA=ON needs the CUDA toolkit, NCCL and a CUDA LibTorch")
  endif()
else()
  set(DUSK_WITH_CUDA OFF)
endif()
message(STATUS "LibTorch: ${torch_root}; CUDA parts: ${DUSK_WITH_CUDA}")

function(dusk_import_torch name)
  add_library(torch::${name} SHARED IMPORTED)
  set_target_properties(torch::${name} PROPERTIES
    IMPORTED_LOCATION ${torch_root}/lib/lib${name}.so
    INTERFACE_INCLUDE_DIRECTORIES
      "${torch_root}/include;${torch_root}/include/torch/csrc/api/include")
endfunction()

dusk_import_torch(c10)
dusk_import_torch(torch_cpu)
target_link_libraries(torch::torch_cpu INTERFACE torch::c10)
# at::parallel_for is a template that runs on one thread unless the caller is compiled with OpenMP, and
# says nothing. The runtime has to be LibTorch's own: two of them would fight for the cores.
# ThreadSanitizer does not understand it, and clang would bring another one: there loops of ours run on
# one thread.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT DUSK_SANITIZE MATCHES thread)
  file(GLOB torch_openmp ${torch_root}/lib/libgomp*.so*)
  if(NOT torch_openmp)
    find_library(torch_openmp NAMES libgomp.so.1 REQUIRED) # a LibTorch built with the system's
  endif()
  target_compile_options(torch::torch_cpu INTERFACE -fopenmp)
  target_link_libraries(torch::torch_cpu INTERFACE ${torch_openmp})
endif()
# The wheel ships headers of a newer fmt, without its library. The system's headers go before them:
# using the wheel's header-only would compile fmt's float formatting into every file (4 s each).
find_path(DUSK_FMT_INCLUDE fmt/core.h PATHS /usr/include NO_DEFAULT_PATH)
if(NOT DUSK_FMT_INCLUDE)
  find_path(DUSK_FMT_INCLUDE fmt/core.h REQUIRED)
endif()
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/first)
file(CREATE_LINK ${DUSK_FMT_INCLUDE}/fmt ${PROJECT_BINARY_DIR}/first/fmt SYMBOLIC)
target_include_directories(torch::torch_cpu BEFORE INTERFACE ${PROJECT_BINARY_DIR}/first)
if(DUSK_WITH_CUDA)
  dusk_import_torch(c10_cuda)
  dusk_import_torch(torch_cuda)
  target_link_libraries(torch::torch_cuda INTERFACE torch::c10_cuda torch::torch_cpu CUDA::cudart)
  add_library(dusk_nccl INTERFACE)
  target_include_directories(dusk_nccl SYSTEM INTERFACE ${DUSK_NCCL_INCLUDE})
  target_link_libraries(dusk_nccl INTERFACE ${DUSK_NCCL_LIBRARY} CUDA::cudart)
  add_library(dusk::nccl ALIAS dusk_nccl)
endif()
