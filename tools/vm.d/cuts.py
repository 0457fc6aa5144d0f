"""Power cuts: machines with a padlock hub at work are killed at random moments and boot again.

Each hub has a disk of its own, four wires that are pulled all the time, and a broker on this machine;
the collector comes and goes, and is killed too.  QEMU is killed with SIGKILL: what the guest's kernel
had not written yet is gone.  (What QEMU had written stays in this machine's memory: flushes that are
missing are found by crash.py.)  At the end the disks are read, what still waits is delivered, and
judge.py compares what was promised with what is stored.
"""
import concurrent.futures
import contextlib
import pathlib
import random
import re
import threading
import time

import disk
import hub
import judge
from centre import NETWORK, Centre, device_keys
from debian import Failed
from image import Image
from machine import Machine

MORE = """\
resend = 2 s
backoff_max = 1 s
window = 16
[spool]
alarm_quota = 1024
telemetry_age = 500 ms
[health]
heartbeat = 1 s
[lock]
arm_delay = 0 s
siren_burst = 500 ms
quiet = 1 s
repeat = 1 s
"""
SCRIPT = """\
. /lib.sh
. /mw/chip.sh
seed=0
for word in $(cat /proc/cmdline); do
    case $word in seed=*) seed=${{word#seed=}} ;; esac
done
mkdir /state
until_true 10 test -b /dev/vda
mount -t ext4 /dev/vda /state && echo "LIFE $(cat /proc/sys/kernel/random/boot_id)"
{daemon}
wireplay $sim random $seed {gap} {wires}
wait $hub
"""
DAEMON = "padlock -c /mw/padlock.conf 2>&1 & hub=$!"
GAP_MS = 40
BOOT_S = 60
# After which line of the console, and how long after it at most: while the spool is opened, at work,
# with the broker there.
MOMENTS = ((None, 0.4), ("lock: 1: ", 2), ("link: connected", 1.5))


def boot_id(text):
    """As the daemon takes it: the first three groups."""
    a, b, c = (int(x, 16) for x in text.split("-")[:3])
    return a << 32 | b << 16 | c


def image(kernel, busybox, libraries, padlock, guest, keys, port, device, path, gap_ms=GAP_MS,
          daemon=DAEMON):
    i = Image(kernel, busybox, libraries)
    roles = hub.wires()
    hub.furnish(i, padlock, keys, hub.conf(device, "/state/spool", "localhost", port, MORE), roles,
                "1 ms")
    for name in ("wireplay", "diskmark"):
        i.program(guest / name, f"bin/{name}")
    i.modules("virtio_pci", "virtio_blk", "virtio_net", "crc32c_generic", "ext4", "configfs",
              "gpio-sim")
    for name, text in NETWORK.items():
        i.file(name, text)
    moved = [n for role, n in roles.items() if role.split("-")[0] in ("shackle", "loop")]
    i.file("cuts.sh", SCRIPT.format(gap=gap_ms, wires=" ".join(map(str, moved)), daemon=daemon))
    return i.write(path)


class Hub:
    """One machine with its disk; cut again and again."""

    def __init__(self, centre, kernel, initrd, device, folder, seed):
        self.centre, self.kernel, self.initrd = centre, kernel, initrd
        self.device, self.folder = device, folder
        self.rng = random.Random(f"{seed} {device}")
        self.disk = folder / f"{device}.img"
        self.lives = []
        disk.make(self.disk)

    def drives(self):
        return ["-drive", f"if=none,id=d,file={self.disk},format=raw,cache=writeback",
                "-device", "virtio-blk-pci,drive=d"]

    def life(self):
        """Boots, works, is cut."""
        log = self.folder / f"{self.device}-{len(self.lives):03}.log"
        sign, most_s = self.rng.choice(MOMENTS)
        more = self.rng.uniform(0, most_s)
        with Machine(self.kernel, self.initrd, log, "/cuts.sh", network=(self.centre.port,),
                     more=self.drives(), words=f"seed={self.rng.getrandbits(32)}") as m:
            boot = m.wait_for(r"LIFE ([0-9a-f-]+)", BOOT_S)[1]
            if sign:
                m.wait_for(sign, BOOT_S)
            time.sleep(more)
        self.lives.append(judge.Life(self.device, boot_id(boot), judge.lock_lines(m.lines())))

    def spool(self):
        """What its disk holds, copied out."""
        disk.recover(self.disk)
        return disk.dump(self.disk, "spool", self.folder / f"{self.device}-disk")


def come_and_go(centre, rng, stop):
    """The collector: there for a while, killed, away for longer."""
    while not stop.wait(rng.uniform(5, 12)):
        centre.start_collector()
        stop.wait(rng.uniform(0.5, 3))
        centre.processes.kill9("collector")


@contextlib.contextmanager
def collector_comes_and_goes(centre, seed):
    stop = threading.Event()
    thread = threading.Thread(target=come_and_go, args=(centre, random.Random(seed), stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def cut_all(hubs, cuts, say):
    todo, lock = list(range(cuts)), threading.Lock()

    def work(h):
        while True:
            with lock:
                if not todo:
                    return
                todo.pop()
                if len(todo) % 20 == 0:
                    say(f"power cuts: {cuts - len(todo)} of {cuts}")
            h.life()
    with concurrent.futures.ThreadPoolExecutor(len(hubs)) as pool:
        list(pool.map(work, hubs))


def live(kernel, busybox, libraries, programs, padlock, guest, folder, cuts, seed, jobs, say):
    """So many cuts; (troubles, figures)."""
    began = time.monotonic()
    names = [f"hub-{n + 1}" for n in range(min(jobs, cuts))]
    with Centre(folder, programs, names) as centre:
        centre.start()
        hubs = []
        for name in names:
            initrd = image(kernel, busybox, libraries, padlock, guest,
                           device_keys(centre.keys, name), centre.port, name,
                           folder / f"{name}.cpio.gz")
            hubs.append(Hub(centre, kernel, initrd, name, folder, seed))
        with collector_comes_and_goes(centre, seed):
            cut_all(hubs, cuts, say)
        spools = [h.spool() for h in hubs]
        centre.start_collector()
        late = sum((centre.drain(h.device, s) for h, s in zip(hubs, spools)), [])
        lives = [life for h in hubs for life in h.lives]
        troubles, figures = judge.verdict(centre, lives, centre.messages())
        good, words = centre.verify(spools)
        troubles += late + ([] if good else [f"moorwatch verify: {words.splitlines()[-1]}"])
    return troubles, {"cuts": len(lives), **figures, "seconds": round(time.monotonic() - began)}
