# cordis_warnings: how our own tests, benches and examples are compiled. Users never link it.
add_library(cordis_warnings INTERFACE)
target_compile_options(cordis_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<BOOL:${CORDIS_WERROR}>:-Werror>
  $<$<BOOL:${CORDIS_NATIVE}>:-march=native>
  # g++ 12 takes the AVX-512 intrinsics' undefined registers for uninitialised variables (GCC bug 105593), and
  # sees strings overlap themselves in "text" + std::string (105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized;-Wno-maybe-uninitialized;-Wno-restrict>)
if(CORDIS_SANITIZE)
  target_compile_options(cordis_warnings INTERFACE -fsanitize=${CORDIS_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  if(CORDIS_SANITIZE MATCHES "address")  # it stops at null pointers anyway; the check takes a sixth of the compiler's time
    target_compile_options(cordis_warnings INTERFACE -fno-sanitize=null)
  endif()
  if(CORDIS_SANITIZE MATCHES "undefined")  # the check of virtual tables opens a pipe, and takes it for an error where it cannot
    target_compile_options(cordis_warnings INTERFACE -fno-sanitize=vptr)
  endif()
  target_link_options(cordis_warnings INTERFACE -fsanitize=${CORDIS_SANITIZE})
endif()
