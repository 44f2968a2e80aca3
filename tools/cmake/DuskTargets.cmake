# One target a layer, one precompiled header for all code that uses LibTorch.
#
#   dusk_layer(name SOURCES a.cpp ... DEPENDS lower-layers ... PACKAGES targets ... [TORCH])
#   dusk_executable(name SOURCES ... DEPENDS layers ... PACKAGES targets ... [TORCH])

add_library(dusk_warnings INTERFACE)
target_compile_options(dusk_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  # GCC 12 sees overlapping copies in any "text" + string (its bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<BOOL:${DUSK_WERROR}>:-Werror>)

add_library(dusk_sanitizers INTERFACE)
if(DUSK_SANITIZE)
  target_compile_options(dusk_sanitizers INTERFACE
    -fsanitize=${DUSK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(dusk_sanitizers INTERFACE -fsanitize=${DUSK_SANITIZE})
endif()

if(DUSK_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "DUSK_FUZZ needs clang: cmake --preset fuzz (tools/bootstrap --fuzz installs it)")
  endif()
  target_compile_options(dusk_sanitizers INTERFACE -fsanitize=fuzzer-no-link)
endif()

# The narrow precompiled header: parsing torch/types.h costs 13 s a file without it, 4 s with it; a
# file that needs no more than a tensor's declaration is as fast without.
# torch/torch.h would cost twice the memory and is included nowhere.
file(WRITE ${PROJECT_BINARY_DIR}/pch.cpp "")
add_library(dusk_pch OBJECT ${PROJECT_BINARY_DIR}/pch.cpp)
target_link_libraries(dusk_pch PRIVATE torch::torch_cpu fmt::fmt dusk_warnings dusk_sanitizers)
target_precompile_headers(dusk_pch PRIVATE
  <torch/types.h> <torch/nn/module.h>)

function(dusk_configure_target target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "SCOPE" "DEPENDS;PACKAGES")
  list(TRANSFORM arg_DEPENDS PREPEND dusk::)
  target_include_directories(${target} ${arg_SCOPE} ${PROJECT_SOURCE_DIR}/include)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE dusk_warnings dusk_sanitizers)
  if(arg_TORCH)
    target_link_libraries(${target} ${arg_SCOPE} torch::torch_cpu)
    target_precompile_headers(${target} REUSE_FROM dusk_pch)
  endif()
  target_link_libraries(${target} ${arg_SCOPE} ${arg_DEPENDS} ${arg_PACKAGES} Threads::Threads)
endfunction()

function(dusk_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "" "SOURCES;DEPENDS;PACKAGES")
  add_library(dusk_${name} STATIC ${arg_SOURCES})
  add_library(dusk::${name} ALIAS dusk_${name})
  set(torch "")
  if(arg_TORCH)
    set(torch TORCH)
  endif()
  dusk_configure_target(dusk_${name} SCOPE PUBLIC DEPENDS ${arg_DEPENDS}
                        PACKAGES ${arg_PACKAGES} ${torch})
endfunction()

function(dusk_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "" "SOURCES;DEPENDS;PACKAGES")
  add_executable(${name} ${arg_SOURCES})
  set(torch "")
  if(arg_TORCH)
    set(torch TORCH)
    # First and kept even if no symbol of it were needed: see DuskTorch.cmake.
    target_link_options(${name} BEFORE PRIVATE
      -Wl,--push-state,--no-as-needed ${DUSK_TORCH_ROOT}/lib/libtorch_cpu.so -Wl,--pop-state)
    # The wheel's libraries find their own CUDA packages; a toolkit's directory is given for what
    # the wheel folder lacks. Missing sub-dependencies are the loader's business, not the linker's.
    target_link_options(${name} PRIVATE -Wl,--allow-shlib-undefined -Wl,--disable-new-dtags)
  endif()
  dusk_configure_target(${name} SCOPE PRIVATE DEPENDS ${arg_DEPENDS}
                        PACKAGES ${arg_PACKAGES} ${torch})
endfunction()
