/* delivery: the protocol between a device's spool and the collector, for Spin.
 *
 * One device takes EVENTS events, each a batch of its own, on a card that may be flashed anew once.
 * It may crash; the link loses, repeats and reorders; the broker confirms (PUBACK) and forgets; the
 * collector may crash, and once its data base is put back from a backup.
 *
 *   safety    assert: what a device forgets was committed by the collector; an identity (spool, seq)
 *             never names two events; no event is stored twice.
 *   liveness  ltl arrives: once nothing fails any more, every durable event of the present card is
 *             stored.
 *
 * Messages are sets: what was sent stays receivable, so repetition and reordering need no code; a
 * lost message is one that never enters.  A restored collector is told of what it has forgotten only
 * as far as the device still holds it: the rest shows as a hole in the numbers (`missing`).
 *
 * run.sh verifies this, then each planted mistake, which must be found:
 *   SEND_BEFORE_DURABLE   a batch leaves before it is on the disk
 *   FREE_ON_PUBACK        the broker's word frees the spool
 *   REUSE_NUMBER          the number of the next batch is not durable
 *   ACK_BEFORE_COMMIT     the collector acknowledges what a crash can still take
 *   SAME_SPOOL            a card flashed anew keeps its spool's id
 *   SEND_ONCE             what was sent is never sent again (breaks liveness, not safety)
 */
#ifndef EVENTS
#define EVENTS 3
#endif
#define SPOOLS 2
#define NUMBERS 3 /* of one spool: EVENTS at most */

#define AT(spool, seq) ((spool) * NUMBERS + (seq))
#define BIT(n) (1 << (n))

/* What may still go wrong. */
byte losses = 1, device_crashes = 2, collector_crashes = 1, restores = 1, flashes = 1;

/* The device: what is on its card. */
byte spool_id = 0;             /* ghost of a random number: another one for another card */
byte disk[NUMBERS];            /* event in each batch; 0: none, or freed */
byte next_seq = 0;
/* And what is not. */
byte open_event = 0;           /* taken, not yet durable */
byte taken = 0;                /* events taken so far: 1 .. EVENTS */
#ifdef SEND_ONCE
byte tried = 0;
#endif

/* The net: what was sent, by identity; more than one event under one identity is what must not be. */
byte sent[SPOOLS * NUMBERS];   /* set of events: bits 1 .. EVENTS */
byte confirmed = 0;            /* by the broker: set of numbers of the present spool */
byte acks[SPOOLS];             /* set of numbers that the collector has acknowledged */

/* The collector: its data base, a backup of it, and what is not committed yet. */
byte store[SPOOLS * NUMBERS];
byte backup[SPOOLS * NUMBERS];
byte held_at = 0, held_event = 0;

/* Ghosts. */
byte durable = 0;              /* set of events that are on the present card, freed or not */
byte committed = 0;            /* set of events that ever were in the data base */
bool quiet = false;            /* nothing fails any more */

inline take() {
    taken++;
    open_event = taken
}

inline write_batch() {
    disk[next_seq] = open_event;
    durable = durable | BIT(open_event);
    next_seq++;
    open_event = 0
}

/* A message enters the net, or is lost. */
inline send(seq, event) {
#ifdef SEND_ONCE
    tried = tried | BIT(seq);
#endif
    if
    :: sent[AT(spool_id, seq)] = sent[AT(spool_id, seq)] | BIT(event)
    :: losses > 0 -> losses--
    fi
}

inline free(seq) {
    assert((committed & BIT(disk[seq])) != 0);
    disk[seq] = 0
}

inline flash_card() {
    flashes--;
    disk[0] = 0; disk[1] = 0; disk[2] = 0;
    open_event = 0;
    durable = 0;
    confirmed = 0;
    next_seq = 0;
#ifndef SAME_SPOOL
    spool_id++;
#endif
}

inline crash_device() {
    device_crashes--;
    open_event = 0;
    confirmed = 0;
#ifdef REUSE_NUMBER
    /* Counts what is still there: wrong once something was freed. */
    next_seq = (disk[0] != 0) + (disk[1] != 0) + (disk[2] != 0);
#endif
}

#ifdef SEND_ONCE
#define MAY_SEND(seq) ((tried & BIT(seq)) == 0)
#else
#define MAY_SEND(seq) ((sent[AT(spool_id, seq)] & BIT(disk[seq])) == 0)
#endif

active proctype device() {
    byte i = 0;
end:
    do
    :: atomic { taken < EVENTS && open_event == 0 && next_seq < NUMBERS -> take() }
    :: atomic { open_event != 0 -> write_batch() }
#ifdef SEND_BEFORE_DURABLE
    :: atomic { open_event != 0 -> send(next_seq, open_event) }
#endif
    /* Again and again, until it is acknowledged: one that is on its way already is not lost twice. */
    :: atomic { disk[0] != 0 && MAY_SEND(0) -> send(0, disk[0]) }
    :: atomic { disk[1] != 0 && MAY_SEND(1) -> send(1, disk[1]) }
    :: atomic { disk[2] != 0 && MAY_SEND(2) -> send(2, disk[2]) }
    :: atomic { disk[0] != 0 && (acks[spool_id] & BIT(0)) != 0 -> free(0) }
    :: atomic { disk[1] != 0 && (acks[spool_id] & BIT(1)) != 0 -> free(1) }
    :: atomic { disk[2] != 0 && (acks[spool_id] & BIT(2)) != 0 -> free(2) }
#ifdef FREE_ON_PUBACK
    :: atomic { disk[0] != 0 && (confirmed & BIT(0)) != 0 -> free(0) }
    :: atomic { disk[1] != 0 && (confirmed & BIT(1)) != 0 -> free(1) }
    :: atomic { disk[2] != 0 && (confirmed & BIT(2)) != 0 -> free(2) }
#endif
    od
}

/* It confirms whatever reached it, and may forget it at once: the set of what was sent shrinks. */
active proctype broker() {
end:
    do
    :: atomic { sent[AT(spool_id, 0)] != 0 && (confirmed & BIT(0)) == 0 -> confirmed = confirmed | BIT(0) }
    :: atomic { sent[AT(spool_id, 1)] != 0 && (confirmed & BIT(1)) == 0 -> confirmed = confirmed | BIT(1) }
    :: atomic { sent[AT(spool_id, 2)] != 0 && (confirmed & BIT(2)) == 0 -> confirmed = confirmed | BIT(2) }
    :: atomic { losses > 0 && sent[AT(spool_id, 0)] != 0 -> losses--; sent[AT(spool_id, 0)] = 0 }
    :: atomic { losses > 0 && sent[AT(spool_id, 1)] != 0 -> losses--; sent[AT(spool_id, 1)] = 0 }
    :: atomic { losses > 0 && sent[AT(spool_id, 2)] != 0 -> losses--; sent[AT(spool_id, 2)] = 0 }
    od
}

/* Takes one batch in hand. */
inline receive(at) {
    if
    :: (sent[at] & BIT(1)) != 0 -> held_event = 1
    :: (sent[at] & BIT(2)) != 0 -> held_event = 2
    :: (sent[at] & BIT(3)) != 0 -> held_event = 3
    fi;
    held_at = at;
#ifdef ACK_BEFORE_COMMIT
    acks[at / NUMBERS] = acks[at / NUMBERS] | BIT(at % NUMBERS)
#endif
}

/* The same again is a duplicate; other bytes under one identity must never be. */
inline commit() {
    assert(store[held_at] == 0 || store[held_at] == held_event);
    assert(held_at == 0 || store[0] != held_event);
    assert(held_at == 1 || store[1] != held_event);
    assert(held_at == 2 || store[2] != held_event);
    assert(held_at == 3 || store[3] != held_event);
    assert(held_at == 4 || store[4] != held_event);
    assert(held_at == 5 || store[5] != held_event);
    store[held_at] = held_event;
    committed = committed | BIT(held_event);
    held_event = 0
}

#define WANTED(at) (held_event == 0 && sent[at] != 0 && \
                    (sent[at] != BIT(store[at]) || (acks[at / NUMBERS] & BIT(at % NUMBERS)) == 0))

active proctype collector() {
end:
    do
    :: atomic { WANTED(0) -> receive(0) }
    :: atomic { WANTED(1) -> receive(1) }
    :: atomic { WANTED(2) -> receive(2) }
    :: atomic { WANTED(3) -> receive(3) }
    :: atomic { WANTED(4) -> receive(4) }
    :: atomic { WANTED(5) -> receive(5) }
    :: atomic { held_event != 0 -> commit();
                acks[held_at / NUMBERS] = acks[held_at / NUMBERS] | BIT(held_at % NUMBERS) }
    od
}

active proctype misfortune() {
    byte i;
    do
    :: atomic { device_crashes > 0 -> crash_device() }
    :: atomic { flashes > 0 -> flash_card() }
    :: atomic { collector_crashes > 0 -> collector_crashes--; held_event = 0 }
    :: atomic { restores > 0 ->
        i = 0;
        do
        :: i < SPOOLS * NUMBERS -> backup[i] = store[i]; i++
        :: else -> break
        od;
        i = 0 }
    :: atomic { restores > 0 ->
        restores--;
        held_event = 0;
        i = 0;
        do
        :: i < SPOOLS * NUMBERS -> store[i] = backup[i]; i++
        :: else -> break
        od;
        i = 0 }
    :: atomic { true -> losses = 0; quiet = true; break }
    od
}

/* Time goes on where nothing else can: a run that stands still is a run that never delivers. */
#ifdef LIVENESS
active proctype time() {
    bit tick = 0;
end:
    do
    :: tick = 1 - tick
    od
}
#endif

#define DELIVERED ((durable & committed) == durable && disk[0] == 0 && disk[1] == 0 && disk[2] == 0)
ltl arrives { [] (quiet -> <> [] DELIVERED) }
