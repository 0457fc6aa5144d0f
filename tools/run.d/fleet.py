"""The fleet of one run: kits, one per Local Policing Area first, and hubs with their locks."""
import math
import random

from data import LPAS

LOCKS_PER_HUB = 3
HISTORY_WEEKS = 4
# Incidents of the past weeks, hub by hub: one place has had most of them.
INCIDENTS = [9, 1, 2, 0, 1, 0]
WANTED_PER_MINUTE = 14  # vehicles at each kit, so that a minute's look shows something


class Kit:
    def __init__(self, number, data):
        self.lpa = LPAS[number % len(LPAS)]
        turn = number // len(LPAS)
        self.name = "kit-" + self.lpa.split()[0].lower() + (f"-{turn + 1}" if turn else "")
        self.sites = data.sites_of(self.lpa)
        self.site = self.sites[turn % len(self.sites)]
        self.title = f"Speedwatch kit, {self.lpa}" + (f" {turn + 1}" if turn else "")


class Hub:
    def __init__(self, number, locks, data):
        self.place = data.places[number % len(data.places)]
        turn = number // len(data.places)
        self.name = "hub-" + self.place["id"] + (f"-{turn + 1}" if turn else "")
        self.lpa = self.place["lpa"]
        self.title = f"Lock hub, {self.place['name']}"
        self.incidents = INCIDENTS[number % len(INCIDENTS)]
        rng = random.Random(self.name)
        self.locks = [{
            "plot": f"Plot {rng.randrange(1, 60)}" if self.place["kind"] == "allotment"
                    else f"{self.place['kind'].capitalize()} {n + 1}",
            "easting": self.place["easting"] + rng.randrange(-60, 61),
            "northing": self.place["northing"] + rng.randrange(-60, 61),
        } for n in range(locks)]


class Fleet:
    def __init__(self, kits, locks, data):
        self.kits = [Kit(n, data) for n in range(kits)]
        hubs = math.ceil(locks / LOCKS_PER_HUB)
        self.hubs = [Hub(n, min(LOCKS_PER_HUB, locks - n * LOCKS_PER_HUB), data)
                     for n in range(hubs)]
        self.devices = self.kits + self.hubs
