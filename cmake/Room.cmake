# plimsoll_room(NAME ROOMS r... LIBS l...): one static library from src/NAME/*.cc, and one test program per label
# from the unit tests beside the code. The label is in the file name:
#   x_test.cc -> fast, x_fault_test.cc -> fault, x_golden_test.cc -> golden, x_model_test.cc -> model,
#   x_slow_test.cc -> slow.
# A file src/NAME/test_main.cc takes the place of GoogleTest's own main in the room's test programs.
set(PLIMSOLL_LABELS fault golden model slow)

add_library(plimsoll_options INTERFACE)
target_include_directories(plimsoll_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(plimsoll_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers -Wno-dangling-else
  -fno-math-errno -ffp-contract=off)
if(PLIMSOLL_WERROR)
  target_compile_options(plimsoll_options INTERFACE -Werror)
  # GCC 12 sees these in libstdc++'s own strings where there is nothing (GCC bugs 105329, 105651).
  target_compile_options(plimsoll_options INTERFACE
    "$<$<CXX_COMPILER_ID:GNU>:-Wno-error=array-bounds;-Wno-error=restrict;-Wno-error=stringop-overflow;-Wno-error=stringop-overread;-Wno-error=maybe-uninitialized>")
endif()
if(PLIMSOLL_SANITIZE)
  target_compile_options(plimsoll_options INTERFACE -fsanitize=${PLIMSOLL_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(plimsoll_options INTERFACE -fsanitize=${PLIMSOLL_SANITIZE})
  target_compile_definitions(plimsoll_options INTERFACE PLIMSOLL_SANITIZED=1)
endif()

# Precompiled headers, one set for the rooms and one for the tests: most of a build's time is reading the same headers.
# PLIMSOLL_PCH=OFF shows a missing include.
option(PLIMSOLL_PCH "Use precompiled headers" ON)
function(plimsoll_pch name library)
  add_library(${name} OBJECT ${PROJECT_SOURCE_DIR}/cmake/empty.cc)
  target_link_libraries(${name} PRIVATE plimsoll_options fmt::fmt nlohmann_json::nlohmann_json ${library})
  target_precompile_headers(${name} PRIVATE <algorithm> <cstdint> <functional> <memory> <optional> <span> <string>
    <string_view> <vector> <fmt/format.h> <nlohmann/json.hpp> "${PROJECT_SOURCE_DIR}/src/base/result.h" ${ARGN})
endfunction()

function(plimsoll_room name)
  cmake_parse_arguments(ARG "" "" "ROOMS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cc ${PROJECT_SOURCE_DIR}/src/${name}/*/*.cc)
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$|/test_main\\.cc$|/main/main\\.cc$")
  if(NOT sources)
    return()
  endif()
  add_library(plimsoll_${name} STATIC ${sources})
  target_link_libraries(plimsoll_${name} PUBLIC plimsoll_options)
  foreach(room IN LISTS ARG_ROOMS)
    if(TARGET plimsoll_${room})
      target_link_libraries(plimsoll_${name} PUBLIC plimsoll_${room})
    endif()
  endforeach()
  target_link_libraries(plimsoll_${name} PUBLIC ${ARG_LIBS} fmt::fmt)
  if(PLIMSOLL_PCH)
    target_precompile_headers(plimsoll_${name} REUSE_FROM plimsoll_pch)
  endif()
  plimsoll_room_tests(${name})
endfunction()

function(plimsoll_room_tests name)
  file(GLOB tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*_test.cc ${PROJECT_SOURCE_DIR}/src/${name}/*/*_test.cc)
  set(fast_tests ${tests})
  foreach(label IN LISTS PLIMSOLL_LABELS)
    set(labelled ${tests})
    list(FILTER labelled INCLUDE REGEX "_${label}_test\\.cc$")
    list(FILTER fast_tests EXCLUDE REGEX "_${label}_test\\.cc$")
    plimsoll_test_program(${name} ${label} "${labelled}")
  endforeach()
  plimsoll_test_program(${name} fast "${fast_tests}")
endfunction()

function(plimsoll_test_program room label sources)
  if(NOT sources)
    return()
  endif()
  set(target test_${room}_${label})
  set(main ${PROJECT_SOURCE_DIR}/src/${room}/test_main.cc)
  if(EXISTS ${main})
    add_executable(${target} ${sources} ${main})
    target_link_libraries(${target} PRIVATE plimsoll_${room} GTest::gtest)
  else()
    add_executable(${target} ${sources})
    target_link_libraries(${target} PRIVATE plimsoll_${room} GTest::gtest GTest::gtest_main)
  endif()
  target_compile_definitions(${target} PRIVATE
    PLIMSOLL_SOURCE_DIR="${PROJECT_SOURCE_DIR}" PLIMSOLL_MODELS_DIR="${PLIMSOLL_MODELS}")
  if(PLIMSOLL_PCH)
    target_precompile_headers(${target} REUSE_FROM plimsoll_test_pch)
  endif()
  add_test(NAME ${room}.${label} COMMAND ${target} --gtest_brief=1)
  set_tests_properties(${room}.${label} PROPERTIES LABELS ${label} TIMEOUT 900)
  set_property(GLOBAL APPEND PROPERTY PLIMSOLL_TESTS_${label} ${target})
endfunction()
