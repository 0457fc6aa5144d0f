"""What the demonstration is about: sites, places, speeds, flows, reports and wards.

From the small data of our own making beside the kit simulator, or, with --data, from the shared
folder: real individual speeds, DfT traffic flows, December 2017 wards and police.uk reports.
"""
import csv
import gzip
import json
import math
import pathlib

OWN = pathlib.Path(__file__).resolve().parents[1] / "kitsim/data"
LPAS = ["Hartlepool", "Middlesbrough", "Redcar and Cleveland", "Stockton"]


def rows(path):
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", newline="") as f:
        yield from csv.DictReader(f)


class Data:
    def __init__(self, shared=None):
        self.shared = pathlib.Path(shared).resolve() if shared else None
        if self.shared and not (self.shared / "speeds").is_dir():
            raise SystemExit(f"tools/run: {shared} holds no speeds/: is it the shared data folder?")
        self.speeds = OWN / "speeds.csv"
        self.hours = OWN / "hours.csv"
        self.sites = [self.site(r) for r in rows(OWN / "sites.csv")]
        self.places = [dict(r, easting=int(r["easting"]), northing=int(r["northing"]))
                       for r in rows(OWN / "places.csv")]
        if self.shared:
            self.take_flows()

    @staticmethod
    def site(row):
        whole = ("limit_mph", "easting", "northing", "vehicles_per_day", "pair")
        return dict(row, **{k: int(row[k]) for k in whole})

    def take_flows(self):
        """Each site gets the newest flow of the nearest count point on a road of its kind."""
        points = {}
        for row in rows(next((self.shared / "flows").glob("*.csv.gz"))):
            if row["road_category"] in ("TM", "PM"):  # motorways
                continue
            key = row["count_point_id"]
            newest = points.setdefault(key, [0, 0, int(row["easting"]), int(row["northing"])])
            year = int(row["year"])
            if year > newest[0]:
                newest[0], newest[1] = year, 0
            if year == newest[0]:
                newest[1] += int(row["all_motor_vehicles"] or 0)
        for site in self.sites:
            _, flow, _, _ = min(points.values(), key=lambda p: math.hypot(
                p[2] - site["easting"], p[3] - site["northing"]))
            # A village street, not a trunk road: what stands on the sheet, within reason.
            site["vehicles_per_day"] = max(800, min(flow, 12000))

    def take_speeds(self, path):
        """With the shared folder: the speeds of each site's survey road, numbered from 100, into
        `path`.  sites.csv names the road by its pair of sites, its side (1 got a warning sign, 2
        none) and the period of the survey, chosen by its median and 85th percentile to fit the
        limit.  The survey saw no road of 20 mph: those sites keep the kind of road of our own."""
        if not self.shared:
            return
        roads = sorted({s["survey"] for s in self.sites if s["survey"]})
        with open(path, "w", newline="") as f:
            out = csv.writer(f, lineterminator="\n")
            out.writerow(["pair", "speed", "count"])
            out.writerows((r["pair"], r["speed"], r["count"]) for r in rows(OWN / "speeds.csv"))
            for r in rows(self.shared / "speeds/amis_cambridgeshire.csv"):
                road = ".".join((r["pair"], r["warning"], r["period"]))
                if road in roads:
                    out.writerow([100 + roads.index(road), r["speed"], 1])
        for site in self.sites:
            if site["survey"]:
                site["pair"] = 100 + roads.index(site["survey"])
        self.speeds = path

    def sites_of(self, lpa):
        return [s for s in self.sites if s["lpa"] == lpa]

    def reports(self):
        """(occurred, precision, easting, northing, kind): days ago of our own, or real months."""
        if self.shared:
            for row in rows(self.shared / "hotspots/fixture_points.csv.gz"):
                yield ("month", int(row["month"]), float(row["easting"]), float(row["northing"]),
                       "antisocial")
        else:
            for row in rows(OWN / "reports.csv"):
                yield ("day", int(row["days_ago"]), int(row["easting"]), int(row["northing"]),
                       row["category"])

    def wards(self):
        if not self.shared:
            return None
        return self.shared / "wards/tees_wards_2017.geojson"
