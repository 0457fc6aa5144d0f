"""What devices have promised to the outside, and whether it was kept.

Promises, none of which the daemon makes for the test's sake:
  * what has left: a payload that arrived at the broker is, byte for byte, in the collector's store,
    and no identity (device, spool, class, number) ever names two payloads;
  * what the collector has acknowledged is in its store;
  * what was said: the journal tells an alarm before it is written, and writes it before the next
    line: every line of a life but the last is an event of that boot, in that order.
"""
import dataclasses
import re

WORDS = ("", "closed", "opened", "pre-alarm", "alarm", "tamper", "restored", "set", "unset",
         "siren on", "siren off", "left open", "found open", "learning", "learned")
LINE = re.compile(rf"Z lock: (\d+): ({'|'.join(WORDS[1:])})\b")
EVENT = re.compile(rf"lock (\d+) ({'|'.join(WORDS[1:])})\b")
ALL64 = (1 << 64) - 1


# ---- the wire, as WIRE.md has it ----

def fields(data):
    """[(number, value)] of a protobuf message: an integer or bytes each."""
    at, found = 0, []

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            found.append((key >> 3, varint()))
            continue
        size = varint() if key & 7 == 2 else 8
        value, at = data[at:at + size], at + size
        found.append((key >> 3, value if key & 7 == 2 else int.from_bytes(value, "little")))
    return found


def identity(payload):
    """(device, spool, class, seq) of a batch."""
    header = dict(fields(dict(fields(payload))[1]))
    return header[2].decode(), header[3], header.get(4, 0), header.get(5, 0)


def acknowledged(payload):
    """(device, spool, class), and which numbers an acknowledgement names: (below, {more})."""
    ack = fields(payload)
    one = dict(ack)
    return ((one[1].decode(), one[2], one.get(3, 0)), one[4] + 1 if 4 in one else 0,
            {value for number, value in ack if number == 5})


# ---- what was promised ----

def lock_lines(console):
    """[(lock, what)] that the daemon said, in order."""
    found = (LINE.search(line) for line in console)
    return [(int(m[1]) - 1, WORDS.index(m[2])) for m in found if m]


def lock_words(text):
    """(lock, what) of an event as `moorwatch spool` tells it."""
    m = EVENT.match(text)
    return int(m[1]) - 1, WORDS.index(m[2])


@dataclasses.dataclass
class Life:
    device: str
    boot: int
    said: list  # (lock, what)


@dataclasses.dataclass
class Sent:
    """What passed the broker."""
    batches: dict = dataclasses.field(default_factory=dict)  # identity: payload
    acked: dict = dataclasses.field(default_factory=dict)    # (device, spool, class): numbers
    twice: list = dataclasses.field(default_factory=list)    # identities with two payloads

    def add(self, topic, payload):
        kind = topic.rsplit("/", 1)[1]
        if kind in ("a", "e", "t"):
            ident = identity(payload)
            if self.batches.setdefault(ident, payload) != payload:
                self.twice.append(ident)
        elif kind == "ack":
            stream, below, more = acknowledged(payload)
            self.acked.setdefault(stream, set()).update(range(below), more)


def sent(messages):
    s = Sent()
    for topic, payload in messages:
        s.add(topic, payload)
    return s


def waiting(messages, device):
    """(batches that a device has published, those of them that are not acknowledged)."""
    s = sent(m for m in messages if m[0].startswith(f"mw/1/{device}/"))
    return len(s.batches), sum(i[3] not in s.acked.get(i[:3], ()) for i in s.batches)


# ---- whether it was kept ----

def stored(centre):
    """{identity: payload} of the collector."""
    rows = centre.query("SELECT device, spool, cls, seq, payload FROM batches")
    return {(d, s & ALL64, c, n): bytes(p) for d, s, c, n, p in rows}


def stored_locks(centre):
    """{(device, boot): [(lock, what)]} in the order in which the device wrote them."""
    rows = centre.query(
        "SELECT l.device, l.boot, l.lock, l.what FROM lock_events l"
        " JOIN batches b ON b.id = l.batch"
        " JOIN (SELECT device, spool, MIN(id) AS born FROM batches WHERE cls = 0"
        "       GROUP BY device, spool) s ON s.device = b.device AND s.spool = b.spool"
        " ORDER BY s.born, b.seq, l.id")
    found = {}
    for device, boot, lock, what in rows:
        found.setdefault((device, boot & ALL64), []).append((lock, what))
    return found


def said_and_lost(life, found):
    """How many of a life's promised events are missing, out of order or other than said."""
    promised = life.said[:-1]
    same = 0
    for a, b in zip(promised, found):
        if a != b:
            break
        same += 1
    return len(promised) - same


def verdict(centre, lives, messages):
    """(troubles in words, figures)."""
    s, store, locks = sent(messages), stored(centre), stored_locks(centre)
    gone = [i for i, payload in s.batches.items() if store.get(i) != payload]
    unkept = [(*stream, n) for stream, numbers in s.acked.items() for n in numbers
              if (*stream, n) not in store]
    lost = {(life.device, life.boot): said_and_lost(life, locks.get((life.device, life.boot), []))
            for life in lives}
    troubles = []
    if gone:
        troubles.append(f"{len(gone)} batches left a device and are not stored as they left, "
                        f"such as {gone[0]}")
    if s.twice:
        troubles.append(f"{len(s.twice)} numbers given to two different batches, "
                        f"such as {s.twice[0]}")
    if unkept:
        troubles.append(f"{len(unkept)} acknowledged batches are not stored, such as {unkept[0]}")
    if any(lost.values()):
        worst = max(lost, key=lost.get)
        troubles.append(f"{sum(lost.values())} alarms of {sum(1 for n in lost.values() if n)} lives "
                        f"were told and are lost, most of boot {worst[1]:016x} of {worst[0]}")
    return troubles, {"told": sum(max(len(x.said) - 1, 0) for x in lives),
                      "left": len(s.batches), "acknowledged": sum(map(len, s.acked.values())),
                      "stored": len(store), "lost": sum(lost.values()) + len(gone) + len(unkept)}
