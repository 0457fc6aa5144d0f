"""A simulated day of a padlock hub and a speedwatch kit: user-mode Linux with time travel, the real
daemons, gpio-sim and a played radar.

Every wire of the hub that moves is written down beforehand with what must be told of it; afterwards
the spool is read and each expectation must be there, at its time, and nothing else.  The siren is
watched from outside and held to its limits.  The kit's radar is there for two sessions of the day
and away in between; what kitsim says has passed in a session is held against the spool (roughly: how
well vehicles are counted is the business of tools/bench radar).
"""
import collections
import dataclasses
import json
import random
import subprocess
import time

import hub
import uml
from debian import Failed
from image import Image, library_folders

DAY_MS = 24 * 3600 * 1000
MINUTE, HOUR = 60_000, 3_600_000
HEARTBEAT_MS = 15 * MINUTE
ARM_MS, QUIET_MS = 30_000, 60_000
BURST_MS, SIREN_MAX_MS, SIREN_REST_MS = 60_000, 15 * MINUTE, HOUR
LATE_MS, WATCH_MS = 700, 500
MORNING, EVENING = 7 * HOUR + 30 * MINUTE, 18 * HOUR
SIEGE = 2 * HOUR
PATROLS = (8 * HOUR, 16 * HOUR)
PATROL_S, TRAFFIC = 900, "per-day=12000,session=600,rest=9999"
SCRIPT = """\
. /lib.sh
. /mw/chip.sh
mount -t hostfs none /mnt
padlock -c /mw/padlock.conf 2>/mnt/padlock.log & hub=$!
speedwatch -c /mw/speedwatch.conf 2>/mnt/speedwatch.log & kit=$!
patrol() {{
    sleep "$1"
    kitsim play --speeds /mw/speeds.csv --hours /mw/hours.csv --seed "$2" --truth /mnt/truth \
        --kit "name=kit-1,radar=/run/radar,wires=/run/kit.gpio,{traffic}" >/dev/null & sim=$!
    sleep {patrol}
    kill -USR1 $sim
    sleep 60
    kill $sim
    wait $sim
}}
{{ patrol {first} {seed}1; patrol {pause} {seed}2; }} &
sleep 2
wireplay $sim play /mw/moves watch {siren} {watch} >/mnt/played || echo PLAY FAILED
kill $hub; wait $hub; echo "PADLOCK $?"
kill $kit; wait $kit; echo "SPEEDWATCH $?"
"""
SPEEDWATCH = """\
[unit]
device = kit-1
state = /mnt/kit
boards = /mw/boards
kit = speedwatch-usb
[gpio]
socket = /run/kit.gpio
[broker]
host = 127.0.0.1
ca = /mw/ca.pem
certificate = /mw/kit.pem
key = /mw/kit.key
collector_key = /mw/collector.pem
[site]
id = great-ayton-1
limit = 30
[radar]
device = /run/radar
"""


@dataclasses.dataclass
class Plan:
    """Moves of lines and what must be told of them; times in ms since the start."""
    roles: dict
    rng: random.Random
    moves: list = dataclasses.field(default_factory=list)
    wanted: list = dataclasses.field(default_factory=list)  # (ms, lock, what)

    def move(self, ms, role, level):
        self.moves.append((ms, self.roles[role], level))

    def contact(self, ms, role, level):
        """A contact that bounces twice."""
        for n, bounce in enumerate((level, 1 - level, level)):
            self.move(ms + 21 * n, role, bounce)

    def want(self, ms, lock, *words):
        self.wanted += [(ms, lock, word) for word in words]

    # ---- scenes: each leaves the lock as it was, and returns when the lock is quiet again ----

    def cut(self, ms, lock):
        mended = ms + self.rng.randrange(2_000, 30_000)
        self.move(ms, f"loop-{lock}", 1)
        self.move(mended, f"loop-{lock}", 0)
        self.want(ms, lock, "tamper")
        self.want(mended + QUIET_MS, lock, "restored")
        return mended + QUIET_MS

    def tilt(self, ms, lock):
        over = ms + self.rng.randrange(3_000, 20_000)
        self.contact(ms, f"tilt-{lock}", 0)
        self.contact(over, f"tilt-{lock}", 1)
        self.want(ms, lock, "tamper")
        self.want(over + QUIET_MS, lock, "restored")
        return over + QUIET_MS

    def forced(self, ms, lock):
        shut = ms + self.rng.randrange(3_000, 30_000)
        self.contact(ms, f"shackle-{lock}", 1)
        self.contact(shut, f"shackle-{lock}", 0)
        self.want(ms, lock, "opened", "alarm")
        self.want(shut, lock, "closed")
        self.want(shut + QUIET_MS, lock, "restored")
        return shut + QUIET_MS

    def visit(self, ms, lock):
        gone = ms + self.rng.randrange(5_000, 4 * MINUTE)
        self.contact(ms, f"shackle-{lock}", 1)
        self.contact(gone, f"shackle-{lock}", 0)
        self.want(ms, lock, "opened")
        self.want(gone, lock, "closed")
        return gone

    def fill(self, lock, begin, end, scenes, mean_ms):
        """Scenes of one lock one after another."""
        ms = begin + int(self.rng.expovariate(1 / mean_ms))
        while ms < end - 6 * MINUTE:
            ms = self.rng.choice(scenes)(ms, lock) + MINUTE
            ms += int(self.rng.expovariate(1 / mean_ms))

    def siege(self, lock):
        """Two hours without a rest: the siren's limit is reached."""
        for n in range(48):
            self.cut(SIEGE + n * 150_000, lock)


def plan(roles, seed):
    p = Plan(roles, random.Random(seed))
    night, day = (p.cut, p.tilt, p.forced), (p.visit, p.visit, p.visit, p.cut, p.tilt)
    for lock in range(1, hub.LOCKS + 1):
        p.want(-2_000, lock, "set")  # it starts with its locks closed
        p.fill(lock, MINUTE, SIEGE if lock == 2 else MORNING, night, 15 * MINUTE)
        p.fill(lock, MORNING + MINUTE, EVENING, day, 8 * MINUTE)
        p.fill(lock, EVENING + MINUTE, DAY_MS - MINUTE, night, 15 * MINUTE)
        p.want(MORNING, lock, "unset")
        p.want(EVENING + ARM_MS, lock, "set")
    p.siege(2)
    p.contact(MORNING, "key", 0)
    p.contact(EVENING, "key", 1)
    p.move(DAY_MS, "loop-1", 0)  # so that the play lasts a whole day
    p.moves.sort()
    p.wanted.sort()
    return p


# ---- what became of it ----

def match(wanted, found, start_ms):
    """(expectations not met, events not expected): each event meets one expectation."""
    open_, missing = sorted(found), []
    for ms, lock, what in wanted:
        due = start_ms + ms
        hit = next((e for e in open_ if e[1:] == (lock, what) and abs(e[0] - due) <= LATE_MS), None)
        if hit is None and ms < 0:  # before the play: whenever the daemon was ready
            hit = next((e for e in open_ if e[1:] == (lock, what) and e[0] < start_ms), None)
        if hit is None:
            missing.append((ms, lock, what))
        else:
            open_.remove(hit)
    return missing, open_


def siren_bursts(played):
    """[(on ms, off ms)] of the watched output."""
    bursts, on = [], None
    for line in played:
        if line.startswith("watched "):
            level, ms = (int(x) for x in line.split()[2:4])
            if level:
                on = ms
            elif on is not None:
                bursts.append((on, ms))
                on = None
    if on is not None:
        raise Failed("the siren was still on when the day ended")
    return bursts


def longest_between_rests(bursts):
    """The most that sounded without an hour's rest between; bursts in time order."""
    longest = used = 0
    last_off = None
    for on, off in bursts:
        if last_off is None or on - last_off >= SIREN_REST_MS - WATCH_MS:
            used = 0
        used += off - on
        last_off = off
        longest = max(longest, used)
    return longest


def spool_events(moorwatch, folder):
    """[(t_ms, kind, words)] of a spool."""
    text = subprocess.run([moorwatch, "spool", "--json", "--events", folder], check=True,
                          capture_output=True, text=True).stdout
    return [(e["t_ms"], e["kind"], e["words"]) for spool in json.loads(text)["spools"]
            for e in spool["pending"]]


def heartbeats(events):
    """(how many, troubles)."""
    beats = sorted(t for t, kind, _ in events if kind == "health")
    uneven = [b - a for a, b in zip(beats, beats[1:]) if abs(b - a - HEARTBEAT_MS) > 2_000]
    if uneven or len(beats) != DAY_MS // HEARTBEAT_MS + 1:
        return len(beats), [f"{len(beats)} heartbeats, {len(uneven)} of them out of step"]
    return len(beats), []


def judge_hub(p, events, played):
    """The troubles, in words, and the figures."""
    start_ms = int(next(line for line in played if line.startswith("start ")).split()[1])
    told = [(t, *words.split(maxsplit=2)[1:]) for t, kind, words in events if kind == "lock"]
    told = [(t, int(lock), what) for t, lock, what in told]
    locks = [e for e in told if not e[2].startswith("siren")]
    missing, more = match(p.wanted, locks, start_ms)
    beats, troubles = heartbeats(events)
    bursts = siren_bursts(played)
    longest, burst = longest_between_rests(bursts), max(off - on for on, off in bursts)
    sounded = sum(1 for e in told if e[2] == "siren on")
    troubles += [f"not told: lock {n} {w} at {ms / HOUR:.4f} h" for ms, n, w in missing[:5]]
    troubles += [f"told for nothing: lock {n} {w} at {(ms - start_ms) / HOUR:.4f} h"
                 for ms, n, w in more[:5]]
    if longest > SIREN_MAX_MS + 2 * WATCH_MS * len(bursts):
        troubles.append(f"the siren sounded {longest / 1000:.0f} s without a rest")
    if burst > hub.LOCKS * BURST_MS:
        troubles.append(f"one burst of the siren lasted {burst / 1000:.0f} s")
    if sounded < 4:
        troubles.append(f"the siren was told of {sounded} times only")
    return troubles, {"moves": len(p.moves), "events": len(p.wanted), "found": len(locks),
                      "missing": len(missing), "heartbeats": beats, "sirens": sounded,
                      "siren_s": round(sum(off - on for on, off in bursts) / 1000),
                      "siren_most_s": round(longest / 1000)}


def judge_kit(events, truth):
    """The same of the speedwatch kit."""
    inside, passed = False, 0
    for line in map(json.loads, truth):
        inside = line["begins"] if line["what"] == "press" else inside
        passed += inside and line["what"] == "vehicle"
    beats, troubles = heartbeats(events)
    kinds = collections.Counter(kind for _, kind, _ in events)
    counted, sessions = kinds["passage"], kinds["session"]
    if not passed or not 0.9 <= counted / passed <= 1.02:
        troubles.append(f"{counted} passages of {passed} vehicles")
    if sessions != 2 * len(PATROLS):
        troubles.append(f"{sessions} beginnings and ends of {len(PATROLS)} sessions")
    return troubles, {"vehicles": passed, "passages": counted, "kit_heartbeats": beats}


def image(programs, busybox, keys, p, folder, seed):
    i = Image(None, busybox, library_folders("amd64", uml.HOST))
    hub.furnish(i, programs / "bin/padlock", keys, hub.conf("hub-1", "/mnt/spool"), p.roles)
    for name in ("tests/wireplay", "bin/speedwatch", "bin/kitsim"):
        i.program(programs / name, f"bin/{name.split('/')[1]}")
    for name in ("speeds.csv", "hours.csv"):
        i.file(f"mw/{name}", hub.ROOT / "tools/kitsim/data" / name)
    i.file("mw/moves", "".join(f"{ms} {line} {level}\n" for ms, line, level in p.moves))
    i.file("mw/speedwatch.conf", SPEEDWATCH)
    i.file("day.sh", SCRIPT.format(
        siren=p.roles["siren"], watch=WATCH_MS, seed=seed, traffic=TRAFFIC, patrol=PATROL_S,
        first=PATROLS[0] // 1000, pause=(PATROLS[1] - PATROLS[0]) // 1000 - PATROL_S - 60))
    return i.write(folder / "day.cpio.gz")


def live(kernel, programs, busybox, keys, folder, seed):
    """One day; (troubles, figures)."""
    share = folder / "share"
    share.mkdir()
    p = plan(hub.wires(), seed)
    initrd = image(programs, busybox, keys, p, folder, seed)
    began = time.monotonic()
    lines = uml.run_guest(kernel, initrd, "/day.sh", folder / "day.log", 1800, share=share,
                          now=int(time.time()) // 86400 * 86400)
    seconds = time.monotonic() - began
    if not {"PADLOCK 0", "SPEEDWATCH 0"} <= set(lines):
        return [f"the day did not end well: {folder / 'day.log'}"], {}

    def events(name):
        return spool_events(programs / "bin/moorwatch", share / name)
    troubles, figures = judge_hub(p, events("spool"), (share / "played").read_text().splitlines())
    more, kit = judge_kit(events("kit"), (share / "truth").read_text().splitlines())
    return troubles + more, {**figures, **kit, "seconds": round(seconds)}
