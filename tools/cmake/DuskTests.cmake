# Tests: one executable a layer; the rank count of an MPI test is an argument of the launcher and
# of the program, so that a launcher that starts singletons makes it fail.
find_package(GTest REQUIRED)

add_library(dusk_test_main STATIC ${PROJECT_SOURCE_DIR}/tests/support/unit_main.cpp)
target_include_directories(dusk_test_main PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(dusk_test_main PUBLIC GTest::gtest)
add_library(dusk::test_main ALIAS dusk_test_main)

set(DUSK_TEST_ENVIRONMENT "DUSK_SHARED=${PROJECT_SOURCE_DIR}/../shared")

function(dusk_unit_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH;TSAN" "TIMEOUT" "SOURCES;DEPENDS;PACKAGES")
  if(NOT arg_TIMEOUT)
    message(FATAL_ERROR "dusk_unit_test(${name}): TIMEOUT is required")
  endif()
  set(torch "")
  if(arg_TORCH)
    set(torch TORCH)
  endif()
  dusk_executable(${name} SOURCES ${arg_SOURCES} DEPENDS test_main ${arg_DEPENDS}
                  PACKAGES GTest::gtest ${arg_PACKAGES} ${torch})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME unit.${name} COMMAND ${name})
  set(labels unit)
  if(arg_TSAN)
    list(APPEND labels tsan)
  endif()
  set_tests_properties(unit.${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${labels}"
    ENVIRONMENT "${DUSK_TEST_ENVIRONMENT}" FAIL_REGULAR_EXPRESSION "HDF5-DIAG")
endfunction()

function(dusk_mpi_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TORCH" "TIMEOUT" "SOURCES;DEPENDS;PACKAGES;RANKS")
  if(NOT arg_RANKS OR NOT arg_TIMEOUT)
    message(FATAL_ERROR "dusk_mpi_test(${name}): RANKS and TIMEOUT are required")
  endif()
  set(torch "")
  if(arg_TORCH)
    set(torch TORCH)
  endif()
  dusk_executable(${name} SOURCES ${arg_SOURCES} DEPENDS mpi_test_main ${arg_DEPENDS}
                  PACKAGES GTest::gtest ${arg_PACKAGES} ${torch})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  foreach(ranks IN LISTS arg_RANKS)
    add_test(NAME mpi.${name}.np${ranks}
      COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} --bind-to none --oversubscribe
              $<TARGET_FILE:${name}> --expect-ranks=${ranks})
    set_tests_properties(mpi.${name}.np${ranks} PROPERTIES
      PROCESSORS ${ranks} TIMEOUT ${arg_TIMEOUT} LABELS mpi
      ENVIRONMENT "${DUSK_TEST_ENVIRONMENT};OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMP_NUM_THREADS=1"
      FAIL_REGULAR_EXPRESSION "HDF5-DIAG")
  endforeach()
endfunction()
