# What the cross builds have in common: Debian's own cross compiler, and the libraries that
# `boards/sysroot ARCH build/sysroot/ARCH` has put there.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${MOORWATCH_TRIPLET}-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${MOORWATCH_TRIPLET})
get_filename_component(CMAKE_SYSROOT
  ${CMAKE_CURRENT_LIST_DIR}/../build/sysroot/${MOORWATCH_ARCH} ABSOLUTE)
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_SYSROOT}/usr/lib/${MOORWATCH_TRIPLET}/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
