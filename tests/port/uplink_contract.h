/* uplink_contract: what the sender may rely on, whichever uplink stands behind the seam.
 *
 * `uplink` is closed by its owner; its broker is there and willing. */
#ifndef MOORWATCH_UPLINK_CONTRACT_H
#define MOORWATCH_UPLINK_CONTRACT_H

#include "uplink.h"

/* The next event within timeout_ms: 1, or 0.  Waits on fd() alone, as the loop does. */
int uplink_await(const struct uplink *uplink, int timeout_ms, struct uplink_event *ret_event);
/* Fails the test unless the next event is of this kind. */
struct uplink_event uplink_expect(const struct uplink *uplink, enum uplink_kind kind);
/* Not connected, up, published and answered, down by wish, and up again. */
void uplink_keeps_contract(const struct uplink *uplink);

#endif
