"""tools/bench [NAME]...: prints the figures that the documents quote.

  size      bytes per passage by batch size, ours against JSON+gzip and protobuf rows+zlib
  radar     how well radar frames become vehicles, by the simulator's truth, beside two other rules
            (two minutes), and what that costs
  iq        how well the low-cost radar's signal becomes vehicles, and what a frame of it costs
            (four minutes)
  motion    how well the vibration of tools is told from weather's, by generated traces
  science   what hotspots, the figures of sites and a week's tasking cost
  ingest    events per second from the broker to the committed row: real mosquitto, real collector
  power     wake-ups, bytes, watt-hours a day of the daemons by state, and the battery they need
  programs  CPU and resident memory of every program of a running demonstration
Without a name: all of them.  Medians where a clock is involved; nothing is asserted.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build/release/bin"
sys.path.insert(0, str(ROOT / "tools/run.d"))
sys.dont_write_bytecode = True

from world import World  # noqa: E402

REPEATS = 5
TICK = os.sysconf("SC_CLK_TCK")


def run(program, *args):
    subprocess.run([BIN / program, *args], check=True)


def size():
    run("bench-size")


def instructions(program, *args):
    """What a program executes."""
    with tempfile.TemporaryDirectory() as scratch:
        said = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={scratch}/out",
             BIN / program, *args], check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", said.stderr).group(1))


def radar():
    run("radarbench")
    subprocess.run([ROOT / "tools/setup", "bench"], check=True)
    few, many = 1200, 13200
    each = (instructions("radarbench", "--feed", str(many)) -
            instructions("radarbench", "--feed", str(few))) / (many - few)
    print(f"\nfrom the bytes of a line to vehicles, three targets a frame: {each:.0f} instructions a "
          f"frame,\n20 frames a second: {100 * 20 * each / 1e9:.2f} % of a core that executes 1e9 a "
          f"second (a Cortex-A53 at 1 GHz, one each\ncycle); counted on {os.uname().machine} by "
          "callgrind")


def iq():
    run("iqbench")
    subprocess.run([ROOT / "tools/setup", "bench"], check=True)
    few, many = 100, 400
    each = (instructions("iqbench", "--chain", str(many)) -
            instructions("iqbench", "--chain", str(few))) / (many - few)
    rate = 48000 / 4096
    print(f"\nfrom samples to vehicles: {each / 1e6:.2f} million instructions a frame, {rate:.1f} frames "
          f"a second:\n{100 * rate * each / 1e9:.1f} % of a core that executes 1e9 a second; counted "
          f"on {os.uname().machine} by callgrind")


def motion():
    run("motionbench")


def science():
    run("bench-science")



def cpu_s(pid):
    """Seconds of CPU that a process has used, its threads included."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Scratch:
    """A world of its own for one bench, gone afterwards."""

    def __init__(self, kits, locks):
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="moorwatch-bench-"))
        args = argparse.Namespace(kits=kits, locks=locks, data=None, port=0, seed=1,
                                  flow_scale=None, check=False)
        self.world = World(self.state, BIN, args)

    def __enter__(self):
        return self.world

    def __exit__(self, *what):
        self.world.stop()
        shutil.rmtree(self.state)


def start_pump(world, device, events, batches):
    argv = [world.program("bench-pump"), "--port", world.broker_port, "--ca",
            world.keys.cert("ca"), "--cert", world.keys.cert(device.name), "--key",
            world.keys.key(device.name), "--collector", world.keys.cert("collector"), "--device",
            device.name, "--batches", batches, "--events", events]
    child = subprocess.Popen([str(a) for a in argv], text=True, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    if child.stdout.readline() != "ready\n":
        raise SystemExit(f"tools/bench: bench-pump ended with {child.wait()}")
    return child


def pump(world, devices, events, batches):
    """One run: (events per second, CPU us per event of the broker, of the collector)."""
    pids = [world.processes.pid(n) for n in ("broker", "collector")]
    pumps = [start_pump(world, d, events, batches) for d in world.fleet.devices[:devices]]
    before = [cpu_s(p) for p in pids]
    for child in pumps:
        child.stdin.write("go\n")
        child.stdin.flush()
    done = [json.loads(child.communicate()[0]) for child in pumps]
    total = sum(d["events"] for d in done)
    seconds = max(d["end"] for d in done) - min(d["begin"] for d in done)
    used = [1e6 * (cpu_s(p) - b) / total for p, b in zip(pids, before)]
    return total / seconds, *used


def ingest():
    with Scratch(12, 1) as world:
        world.prepare(lambda what: None)
        world.start_centre()
        print("TLS, at most 32 batches of a device under way, from the first publish to the "
              f"acknowledgement of\nthe last commit; median of {REPEATS} [least, most]")
        print(f"{'devices':>8} {'passages a batch':>17} {'events/s':>24} {'broker us/event':>16} "
              f"{'collector us/event':>19}")
        for devices, events, batches in ((1, 60, 600), (12, 20, 250), (12, 60, 150),
                                         (12, 250, 60)):
            runs = [pump(world, devices, events, batches) for _ in range(REPEATS)]
            rates = sorted(r[0] for r in runs)
            rate = f"{statistics.median(rates):.0f} [{rates[0]:.0f}, {rates[-1]:.0f}]"
            print(f"{devices:8} {events:17} {rate:>24} {statistics.median(r[1] for r in runs):16.1f}"
                  f" {statistics.median(r[2] for r in runs):19.1f}", flush=True)
        print(f"collector: {resident_mb(world.processes.pid('collector')):.1f} MB resident "
              "afterwards")


POWER_S = 60  # each state


def power():
    import power as bench_power
    bench_power.bench(Scratch(1, 3), POWER_S)


def programs():
    seconds = 30
    with Scratch(4, 12) as world:
        world.start(lambda what: None)
        pids = {name: world.processes.pid(name) for name in world.processes.order}
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        time.sleep(seconds)
        print(f"a running demonstration, over {seconds} s")
        print(f"{'program':24} {'CPU %':>8} {'resident MB':>12}")
        for name, pid in pids.items():
            print(f"{name:24} {100 * (cpu_s(pid) - before[name]) / seconds:8.2f} "
                  f"{resident_mb(pid):12.1f}")


BENCHES = {"size": size, "radar": radar, "iq": iq, "motion": motion, "science": science,
           "ingest": ingest, "power": power, "programs": programs}


def main():
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", nargs="*", help=", ".join(BENCHES))
    args = parser.parse_args()
    for name in args.bench:
        if name not in BENCHES:
            parser.error(f"no bench {name}; there are: {', '.join(BENCHES)}")
    subprocess.run([ROOT / "tools/setup", "run"], check=True)
    quiet = {"cwd": ROOT, "check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["cmake", "--preset", "release"], **quiet)
    subprocess.run(["cmake", "--build", "--preset", "release", "-j", str(os.cpu_count())], **quiet)
    for i, name in enumerate(args.bench or BENCHES):
        print(f"{'' if i == 0 else chr(10)}## {name}", flush=True)
        BENCHES[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
