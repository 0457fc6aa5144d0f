"""The simulated gauges: each device's battery, temperature and signal, as files its daemon reads."""
import math
import os
import random
import time

KINDS = ("battery", "temperature", "signal")
EVERY_S = 5
FALL_MV_PER_MINUTE = 2  # of a battery of some 100 Ah: faster than life, so that it can be seen
LOW_MV = 11380  # under the 11.5 V at which a daemon reports it


class Gauges:
    def __init__(self, folder, fleet):
        self.folder, self.began, self.due = folder, time.monotonic(), 0
        self.start = {}
        for device in fleet.devices:
            rng = random.Random(device.name)
            self.start[device.name] = (rng.randrange(12450, 12900), rng.randrange(5800, 8300),
                                       rng.randrange(-97, -68))
        # One hub has been left without a charged battery.
        last = fleet.hubs[-1].name
        self.start[last] = (LOW_MV, *self.start[last][1:])

    def path(self, device, kind):
        return self.folder / f"{device}.{kind}"

    def step(self):
        """Writes what the gauges show now, if it is time to."""
        now = time.monotonic()
        if now < self.due:
            return
        self.due = now + EVERY_S
        minutes = (now - self.began) / 60
        for name, (mv, mc, dbm) in self.start.items():
            shown = (mv - FALL_MV_PER_MINUTE * minutes, mc + 400 * math.sin(minutes / 9 + mv),
                     dbm + random.randrange(-2, 3))
            for kind, value in zip(KINDS, shown):
                self.write(self.path(name, kind), round(value))

    @staticmethod
    def write(path, value):
        new = path.with_name(path.name + ".new")  # a daemon shall never read half a number
        new.write_text(f"{value}\n")
        os.replace(new, path)
