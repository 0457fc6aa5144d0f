# The cross builds: Debian's own compiler for MOORWATCH_ARCH, the libraries that boards/sysroot has
# put into MOORWATCH_SYSROOT, and what runs the result on this machine.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MOORWATCH_ARCH MOORWATCH_SYSROOT)
set(CMAKE_SYSTEM_NAME Linux)
if(MOORWATCH_ARCH STREQUAL "arm64")
  set(CMAKE_SYSTEM_PROCESSOR aarch64)
  set(triplet aarch64-linux-gnu)
  set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64;-L;${MOORWATCH_SYSROOT})
elseif(MOORWATCH_ARCH STREQUAL "armhf")
  set(CMAKE_SYSTEM_PROCESSOR armv7l)
  set(triplet arm-linux-gnueabihf)
  set(CMAKE_CROSSCOMPILING_EMULATOR qemu-arm;-L;${MOORWATCH_SYSROOT})
else()
  set(CMAKE_SYSTEM_PROCESSOR x86_64)
  set(triplet x86_64-linux-gnu)
  set(lib ${MOORWATCH_SYSROOT}/usr/lib/${triplet})
  set(CMAKE_CROSSCOMPILING_EMULATOR ${MOORWATCH_SYSROOT}/lib64/ld-linux-x86-64.so.2;--library-path;${lib})
endif()
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_SYSROOT ${MOORWATCH_SYSROOT})
set(CMAKE_FIND_ROOT_PATH ${MOORWATCH_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# A cross gcc brings a libc of its own, and looks there first: these make it take the sysroot's.
execute_process(COMMAND ${triplet}-gcc -print-file-name=include
  OUTPUT_VARIABLE gcc_include OUTPUT_STRIP_TRAILING_WHITESPACE)
set(CMAKE_C_FLAGS_INIT "-nostdinc -isystem ${gcc_include} \
-isystem ${MOORWATCH_SYSROOT}/usr/include/${triplet} -isystem ${MOORWATCH_SYSROOT}/usr/include \
-B${MOORWATCH_SYSROOT}/usr/lib/${triplet}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-L${MOORWATCH_SYSROOT}/usr/lib/${triplet} \
-Wl,-rpath-link,${MOORWATCH_SYSROOT}/usr/lib/${triplet}")
set(ENV{PKG_CONFIG_LIBDIR}
  ${MOORWATCH_SYSROOT}/usr/lib/${triplet}/pkgconfig:${MOORWATCH_SYSROOT}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${MOORWATCH_SYSROOT})
