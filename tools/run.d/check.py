"""tools/run --check: pull plugs, and count."""
import signal

from processes import Failed, wait_until

OUTAGE_S = 2


def let_flow(world, seconds):
    import time
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        world.processes.check()
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
    world.processes.signal("kitsim", signal.SIGTERM)
    let_flow(world, 4)
    world.end_kitsim()
    say("waiting until all is delivered")
    wait_until(world.delivered, 120, "delivery of all that is in the spools", world.processes)
    world.stop_devices()
    if not world.delivered():
        raise Failed("a daemon that was stopped left batches behind:\n" + world.leftovers())
    return world.count()
