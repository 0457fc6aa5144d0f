"""tools/run --check: pull plugs, and count."""
import signal
import time

from processes import Failed, wait_until

OUTAGE_S = 2
ATTEMPTS = 4


def let_flow(world, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        world.live()
        time.sleep(0.25)


def pull_plugs(world, seconds, say):
    """Kill -9 a daemon, the broker and the collector, once each, traffic before, between, after."""
    for name in (world.fleet.kits[0].name, "broker", "collector"):
        let_flow(world, seconds / 4)
        say(f"kill -9 {name}")
        world.processes.kill9(name)
        let_flow(world, OUTAGE_S)
        world.restart(name)
    let_flow(world, seconds / 4)


def check(world, seconds, say):
    pull_plugs(world, seconds, say)
    say("traffic ends")
    world.processes.signal("kitsim", signal.SIGUSR1)
    let_flow(world, 3)
    for attempt in range(ATTEMPTS):
        say("waiting until all is delivered")
        wait_until(world.delivered, 120, "delivery of all that is in the spools", world.processes)
        world.stop_devices()
        if world.delivered():
            break
        # Something happened just when it was stopped, and stands safe in a spool: bring it home.
        world.start_devices_again()
    else:
        raise Failed("daemons that are stopped leave batches behind, again and again")
    world.end_kitsim()
    return world.count()
