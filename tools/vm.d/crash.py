"""Crash images: what a disk with a cache of its own could hold after a power cut at any moment.

One machine works with its disk behind QEMU's blklogwrites, which keeps every write and flush in
order.  Segments fill up, are acknowledged and removed meanwhile.  Afterwards images are made: all
that stood before the last flush, and of the later writes a random part of their sectors.  In each,
after e2fsck, every promise made by then must be kept (judge.py says which there are):
  * an alarm of the journal but the last stands in the spool, or in a batch acknowledged by then;
  * a payload that had left stands in the spool, byte for byte, or is acknowledged by then.
"By then" is exact: diskmark writes the journal's progress into the same log, and what passes
between broker and collector is stamped with the log's length before it is handed on (tap.py).
"""
import collections
import concurrent.futures
import json
import os
import random
import signal
import struct
import subprocess
import threading
import time

import cuts
import disk
import judge
from centre import Centre, device_keys
from debian import Failed
from machine import Machine
from tap import Tap

DEVICE = "hub-1"
MAGIC, SECTOR = 0x6A736677736872, 512
FLUSH, FUA, DISCARD = 1, 2, 4
WORK_S, GAP_MS = 40, 15
DAEMON = "padlock -c /mw/padlock.conf 2>&1 | diskmark /dev/vda {offset} 'Z lock: ' & hub=$!"


# ---- the write log: dm-log-writes' format ----

Entry = collections.namedtuple("Entry", "offset flags data size")


def logged(path):
    """How many entries the log holds at the moment."""
    with open(path, "rb") as f:
        head = f.read(28)
    return struct.unpack("<QQQI", head)[2] if len(head) == 28 else 0


def entries(path):
    with open(path, "rb") as f:
        magic, _, count, sector = struct.unpack("<QQQI", f.read(28))
        if magic != MAGIC or sector != SECTOR:
            raise Failed(f"{path} is no write log")
        at = SECTOR
        for _ in range(count):
            f.seek(at)
            where, sectors, flags, _ = struct.unpack("<QQQQ", f.read(32))
            at += SECTOR
            size, data = sectors * SECTOR, b""
            if size and not flags & DISCARD:
                f.seek(at)
                data = f.read(size)
                at += size
            yield Entry(where * SECTOR, flags, data, size)


def apply(image, entry):
    data = bytes(entry.size) if entry.flags & DISCARD else entry.data
    image[entry.offset:entry.offset + len(data)] = data


def apply_torn(image, entry, rng):
    if entry.flags & FUA:
        apply(image, entry)
        return
    for at in range(0, len(entry.data), SECTOR):
        if rng.random() < 0.5:
            where = entry.offset + at
            image[where:where + SECTOR] = entry.data[at:at + SECTOR]


# ---- the run that is recorded ----

class Recording:
    """A machine at work, and all that is known of it."""

    def __init__(self, folder):
        self.folder = folder
        self.disk, self.log = folder / "disk.img", folder / "writes.log"

    def run(self, kernel, initrd, centre, seconds, rng):
        disk.make(self.disk, tail=True)
        self.base = self.disk.read_bytes()
        self.log.write_bytes(b"")
        os.truncate(self.log, 2 << 30)
        self.tap = Tap(centre.keys, centre.port, lambda: logged(self.log))
        centre.start_collector(self.tap.port)
        drives = ["-blockdev", f"driver=file,filename={self.disk},node-name=f",
                  "-blockdev", f"driver=file,filename={self.log},node-name=w", "-blockdev",
                  "driver=blklogwrites,file=f,log=w,node-name=b,log-sector-size=512,"
                  "log-super-update-interval=1", "-device", "virtio-blk-pci,drive=b"]
        with Machine(kernel, initrd, self.folder / "recorded.log", "/cuts.sh", more=drives,
                     network=(centre.port,), words=f"seed={rng.getrandbits(32)}") as m:
            self.boot = cuts.boot_id(m.wait_for(r"LIFE ([0-9a-f-]+)", cuts.BOOT_S)[1])
            m.wait_for("lock: 1: ", cuts.BOOT_S)
            hold_back(centre, seconds, rng)
        self.said = [line for line in m.lines() if "Z lock: " in line]
        centre.processes.kill9("collector")
        self.tap.close()
        self.entries = list(entries(self.log))
        self.log.unlink()

    def deliver(self, centre):
        """What the disk still holds, to the collector; then all that there ever was is known.
        Troubles, in words."""
        disk.recover(self.disk)
        spool = disk.dump(self.disk, "spool", self.folder / "last")
        centre.start_collector()
        troubles = centre.drain(DEVICE, spool)
        rows = centre.query(
            "SELECT b.spool, b.seq, l.t_ms, l.lock, l.what FROM lock_events l"
            f" JOIN batches b ON b.id = l.batch WHERE l.boot = {signed(self.boot)}"
            " ORDER BY b.seq, l.id")
        self.events = [((DEVICE, spool & judge.ALL64, 0, seq), (t, lock, what))
                       for spool, seq, t, lock, what in rows]
        self.left = [(stamp, judge.identity(payload), payload)
                     for stamp, topic, payload in self.tap.published("down")
                     if topic.endswith("/a")]
        self.acked = {}  # identity: the least stamp
        for stamp, topic, payload in self.tap.published("up"):
            if topic.endswith("/ack"):
                self.note_ack(stamp, payload)
        stored = [event[1:] for _, event in self.events]
        said = judge.lock_lines(self.said)
        if any(a != b for a, b in zip(said[:-1], stored)) or len(stored) < len(said) - 1:
            troubles.append("the collector has other alarms in the end than the journal told")
        return troubles

    def note_ack(self, stamp, payload):
        stream, below, more = judge.acknowledged(payload)
        for n in [*range(below), *more]:
            self.acked.setdefault((*stream, n), stamp)

    def marks(self):
        """[(entry, lines of the journal by then)]."""
        found = []
        for n, e in enumerate(self.entries):
            if e.offset == disk.TAIL and e.data[:4] == b"MARK":
                found.append((n, struct.unpack("<Q", e.data[8:16])[0]))
        return found


def signed(number):
    return number - (1 << 64) if number >> 63 else number


def hold_back(centre, seconds, rng):
    """Lets the machine work; the collector answers now and then only, so that much must be kept."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        centre.processes.signal("collector", signal.SIGSTOP)
        time.sleep(rng.uniform(1, 2.5))
        centre.processes.signal("collector", signal.SIGCONT)
        time.sleep(rng.uniform(1, 2.5))


# ---- one image ----

def read_image(path, moorwatch, folder):
    """(the alarms that wait, {segment: its bytes}) of a crash image."""
    disk.recover(path)
    spool = disk.dump(path, "spool", folder)
    done = subprocess.run([moorwatch, "spool", "--json", "--events", spool], capture_output=True,
                          text=True)
    found = collections.Counter()
    if done.returncode == 0:
        for s in json.loads(done.stdout)["spools"]:
            for e in s["pending"] if s["class"] == "alarm" else ():
                if e["kind"] == "lock":
                    found[(e["t_ms"], *judge.lock_words(e["words"]))] += 1
    return found, {f.name: f.read_bytes() for f in spool.glob("a-*.seg")}


def lost_in(recording, at, lines, found, segments):
    """(alarms, payloads) that were promised by entry `at` and are not there."""
    def settled(identity):
        return recording.acked.get(identity, at + 1) <= at
    promised = len(judge.lock_lines(recording.said[:max(lines - 1, 0)]))
    wanted = collections.Counter(e for identity, e in recording.events[:promised]
                                 if not settled(identity))
    payloads = {payload for stamp, identity, payload in recording.left
                if stamp <= at and not settled(identity)}
    held = b"\0".join(segments.values())
    return sum((wanted - found).values()), sum(p not in held for p in payloads)


class Images:
    """Crash images made in order of their moments, judged several at a time."""

    def __init__(self, recording, moorwatch, count, seed):
        self.recording, self.moorwatch = recording, moorwatch
        self.rng = random.Random(seed)
        marks = recording.marks()
        if len(marks) < 2:
            raise Failed(f"the machine said nothing: {recording.folder / 'recorded.log'}")
        last = len(recording.entries)
        self.points = sorted(self.rng.randrange(marks[0][0], last) for _ in range(count))
        self.marks, self.pending = marks, 0
        self.segments = [set()] * count  # of each image

    def lines_by(self, at):
        return max((lines for n, lines in self.marks if n <= at), default=0)

    def make(self):
        """Yields (moment, image)."""
        e, image, done = self.recording.entries, bytearray(self.recording.base), 0
        for at in self.points:
            flush = max((n for n in range(done, at + 1) if e[n].flags & FLUSH), default=done - 1)
            while done <= flush:
                apply(image, e[done])
                done += 1
            torn = bytearray(image)
            for entry in e[done:at + 1]:
                apply_torn(torn, entry, self.rng)
            self.pending += at + 1 - done
            yield at, torn

    def judge_one(self, number, at, image):
        path = self.recording.folder / f"crash-{number}.img"
        path.write_bytes(image)
        found, segments = read_image(path, self.moorwatch, path.with_suffix(""))
        path.unlink()
        self.segments[number] = set(segments)
        return lost_in(self.recording, at, self.lines_by(at), found, segments)

    def judge_all(self, jobs):
        """[(alarms lost, payloads lost)] of each image."""
        room = threading.Semaphore(2 * jobs)

        def one(*words):
            try:
                return self.judge_one(*words)
            finally:
                room.release()
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            futures = []
            for number, (at, image) in enumerate(self.make()):
                room.acquire()
                futures.append(pool.submit(one, number, at, image))
            return [f.result() for f in futures]


def live(kernel, busybox, libraries, programs, padlock, guest, folder, count, seed, jobs,
         work_s=WORK_S):
    """Records, makes so many images; (troubles, figures)."""
    began = time.monotonic()
    rng = random.Random(seed)
    with Centre(folder, programs, [DEVICE]) as centre:
        centre.start()
        initrd = cuts.image(kernel, busybox, libraries, padlock, guest,
                            device_keys(centre.keys, DEVICE), centre.port, DEVICE,
                            folder / "hub.cpio.gz", GAP_MS, DAEMON.format(offset=disk.TAIL))
        r = Recording(folder)
        r.run(kernel, initrd, centre, work_s, rng)
        troubles = r.deliver(centre)
        images = Images(r, centre.moorwatch, count, rng.getrandbits(32))
        lost = images.judge_all(jobs)
    bad = [x for x in lost if any(x)]
    if bad:
        troubles.append(
            f"{len(bad)} of {count} images have lost what was promised, up to "
            f"{max(a for a, _ in bad)} alarms and {max(p for _, p in bad)} payloads")
    segments = set().union(*images.segments)
    return troubles, {"images": count, "writes": len(r.entries),
                      "flushes": sum(bool(e.flags & FLUSH) for e in r.entries),
                      "alarms": len(r.events), "acknowledged": len(r.acked),
                      "segments": len(segments), "removed": len(segments - images.segments[-1]),
                      "unflushed": round(images.pending / count, 1), "lost": len(bad),
                      "seconds": round(time.monotonic() - began)}
