"""tools/run: the whole of Moorwatch on this machine, with simulated kits and locks.

Sets up what is missing, builds, makes keys and certificates, gives the devices a past of four
weeks, starts a TLS broker, the collector and the real daemons, and plays traffic and intruders to
them.  Then it prints where to look and how to log in.  Ctrl-C stops all that it started.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True

import place  # noqa: E402
from check import check  # noqa: E402
from processes import Failed  # noqa: E402
from world import World  # noqa: E402


def say(text):
    print(text, file=sys.stderr, flush=True)


class Progress:
    """One line that changes where somebody watches, one line per step elsewhere."""

    def __init__(self, steps):
        self.steps, self.done, self.live = steps, 0, sys.stderr.isatty()

    def __call__(self, what):
        self.done += 1
        line = f"[{min(self.done, self.steps)}/{self.steps}] {what}"
        print("\r\x1b[K" + line if self.live else line, end="" if self.live else "\n",
              file=sys.stderr, flush=True)

    def end(self):
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def arguments():
    p = argparse.ArgumentParser(prog="tools/run", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--check", action="store_true",
                   help="let traffic flow, kill a daemon, the broker and the collector once each, "
                        "wait until all is delivered, stop; one line of JSON on standard output")
    p.add_argument("--state", type=pathlib.Path, metavar="DIR",
                   help="keep keys, spools, data base and logs here (default: a new folder, "
                        "removed at the end of a check that went well)")
    p.add_argument("--port", type=int, default=0, metavar="P",
                   help="of the web page on 127.0.0.1 (default: a free one)")
    p.add_argument("--kits", type=int, default=4, metavar="N", help="speedwatch kits (4)")
    p.add_argument("--locks", type=int, default=12, metavar="N", help="locks (12)")
    p.add_argument("--for", type=int, dest="seconds", metavar="SECONDS",
                   help="how long traffic flows (default: until Ctrl-C; with --check 40)")
    p.add_argument("--data", type=pathlib.Path, metavar="DIR",
                   help="real speeds, flows, wards and reports (../shared/data)")
    p.add_argument("--flow-scale", type=float, metavar="X",
                   help="how many times the real flow (default: some 14 vehicles a minute at each "
                        "kit; 1 is life)")
    p.add_argument("--seed", type=int, default=1, metavar="N", help="of the simulator (1)")
    p.add_argument("--build", type=pathlib.Path, metavar="DIR",
                   help="a build folder to take the programs from: nothing is installed or built")
    args = p.parse_args()
    if args.kits < 1 or args.kits > 12 or args.locks < 1 or args.locks > 72:
        p.error("1 to 12 kits and 1 to 72 locks")
    if args.port < 0 or args.port > 65535:
        p.error("--port is 1 to 65535, or 0 for a free one")
    if args.seconds is not None and args.seconds < 1:
        p.error("--for is at least 1 second")
    if args.data and not (args.data / "speeds").is_dir():
        p.error(f"{args.data} holds no speeds/: is it the shared data folder?")
    if args.build and not (args.build / "bin/moorwatch").exists():
        p.error(f"{args.build} holds no bin/moorwatch: is it a build folder, and built?")
    return args


def run_quietly(argv, what, finish=False):
    """Runs argv in a process group of its own.  An interrupt ends all of it; with finish, the first
    one waits for its end."""
    child = subprocess.Popen(argv, cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             process_group=0)
    try:
        out, _ = child.communicate()
    except KeyboardInterrupt:
        if finish:
            say(f"\nwaiting for {what}: it may not stop half way")
        else:
            os.killpg(child.pid, signal.SIGTERM)
        child.communicate()
        raise
    if child.returncode:
        raise Failed(f"{what} failed:\n" + "\n".join(out.splitlines()[-30:]))


def build(progress):
    progress("install what is missing: minutes, the first time")
    run_quietly([ROOT / "tools/setup", "run"], "tools/setup", finish=True)
    progress("build: a minute or two, the first time")
    if not (ROOT / "build/release").exists():
        place.want_room(ROOT, place.BUILD_BYTES)
    run_quietly(["cmake", "--preset", "release"], "cmake")
    run_quietly(["cmake", "--build", "--preset", "release", "-j", str(os.cpu_count())],
                "the build")
    return ROOT / "build/release"


def watch(world, seconds):
    """Until Ctrl-C, or for so many seconds; a program that ends by itself is an error."""
    end = time.monotonic() + seconds if seconds else None
    while end is None or time.monotonic() < end:
        world.live()
        time.sleep(0.5)


def demonstrate(world, args):
    say(f"\nMoorwatch runs at  {world.url}")
    say(f"Log in as          {world.user}")
    say(f"with the password  {world.password}")
    say(f"State and logs in  {world.state}")
    say("Ctrl-C stops everything.\n")
    watch(world, args.seconds)
    return 0


def run_checked(world, args, began):
    result = check(world, args.seconds or 40, say)
    result["seconds"] = round(time.monotonic() - began)
    print(json.dumps(result), flush=True)
    lists = ("alerts", "sites", "hotspots", "taskings")
    wrong = [f"{k} is empty" for k in lists if result[k] == 0]
    wrong += [f"{result[k]} events {k}" for k in ("lost", "duplicated") if result[k] != 0]
    wrong += [] if result["events_sent"] > 0 else ["nothing was sent"]
    wrong += world.troubles
    for line in wrong:
        say(f"tools/run --check: {line}")
    return 1 if wrong else 0


def main():
    args = arguments()
    began = time.monotonic()

    def on_term(number, frame):
        raise KeyboardInterrupt

    # A shell starts a job in the background with SIGINT ignored: Ctrl-C must hold there too.
    signal.signal(signal.SIGINT, on_term)
    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGHUP, on_term)
    progress = Progress(World.STEPS + (0 if args.build else 2))
    state, world, code = None, None, 1
    try:
        place.want_port(args.port)
        state = pathlib.Path(place.own(args.state))
        programs = args.build or build(progress)
        world = World(state.resolve(), programs.resolve() / "bin", args)
        world.start(progress)
        progress.end()
        code = run_checked(world, args, began) if args.check else demonstrate(world, args)
    except KeyboardInterrupt:
        code = 0 if world and not args.check else 1
        say("\nstopping")
    except (Failed, OSError) as e:
        progress.end()
        say(f"tools/run: {e}")
    finally:
        if world:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            world.stop()
        if state and not args.state and (code == 0 or world is None):
            shutil.rmtree(state, ignore_errors=True)
        elif world and code:
            say(f"tools/run: state and logs are kept in {state}")
    return code


if __name__ == "__main__":
    sys.exit(main())
