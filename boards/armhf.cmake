# Cross build for 32-bit Raspberry Pi OS.
set(MOORWATCH_ARCH armhf)
set(MOORWATCH_TRIPLET arm-linux-gnueabihf)
set(CMAKE_SYSTEM_PROCESSOR arm)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
