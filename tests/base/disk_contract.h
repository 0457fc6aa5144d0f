/* disk_contract: what every implementation of firmware/base/disk.h does, whatever it is made of.
 * Run on disk_posix by disk_posix_test and on the simulated disk by sim_disk_test, so that what is
 * proved on the one holds on the other. */
#ifndef MOORWATCH_DISK_CONTRACT_H
#define MOORWATCH_DISK_CONTRACT_H

#include "disk.h"

/* Runs the whole contract on an empty directory; fails through cmocka. */
void disk_contract(const struct disk *disk);

#endif
