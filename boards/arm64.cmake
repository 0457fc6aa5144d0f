# Cross build for 64-bit Raspberry Pi OS.
set(MOORWATCH_ARCH arm64)
set(MOORWATCH_TRIPLET aarch64-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
