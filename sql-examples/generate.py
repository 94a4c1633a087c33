#!/usr/bin/env python3
"""Makes the event files of the example, always the same ones. They are in the repository: running this is not needed.

A day at a site for property: listings, who looked at them, and changes of prices. Events come out of order by up to four minutes, as
they do when phones send them, and a few lines are broken.
"""
import json
import pathlib
import random

here = pathlib.Path(__file__).parent
rng = random.Random(20250301)
START = 1740787200000  # 2025-03-01T00:00:00Z
HOURS = 8
TOWNS = ["Ghent", "Bruges", "Antwerp", "Leuven", "Mechelen", "Ostend"]
KINDS = ["flat", "house", "studio", "loft"]
BROKEN = ['{"listing_id":"L-017","visitor":"u-0', "<html>502 Bad Gateway</html>", '{"listing_id":"L-101","visitor":"u-88","duration":"long"}']


def write(name, events, broken_every):
    events.sort(key=lambda event: event[0])  # by arrival
    with open(here / name, "w", encoding="utf-8") as out:
        for number, (_, event) in enumerate(events, 1):
            out.write(json.dumps(event, separators=(",", ":"), ensure_ascii=False) + "\n")
            if number % broken_every == 0:
                out.write(BROKEN[number // broken_every % len(BROKEN)] + "\n")


def late():
    return rng.choice([0, 0, 0, rng.randrange(5_000), rng.randrange(240_000)])


listings, prices = [], {}
for i in range(240):
    listing = f"L-{i:03}"
    town, rooms = rng.choice(TOWNS), rng.randint(1, 6)
    prices[listing] = 90_000 + rooms * 60_000 + rng.randrange(0, 120_000, 1000)
    listings.append((i, {"listing_id": listing, "town": town, "rooms": rooms, "price": prices[listing],
                         "title": f"{rng.choice(KINDS).capitalize()} in {town}, {rooms} rooms", "ts": START + i}))

views = []
for _ in range(10_500):
    at = START + 60_000 + int(rng.betavariate(2.5, 1.5) * HOURS * 3_600_000)
    listing = f"L-{min(int(rng.expovariate(1 / 40)), 239):03}"  # a few are looked at much more than others
    views.append((at + late(), {"listing_id": listing, "visitor": f"u-{rng.randrange(900):03}", "duration": 1 + int(rng.expovariate(1 / 45)), "ts": at}))

changes, at = [], START + 600_000
for _ in range(420):
    at += rng.randrange(20_000, 110_000)
    listing = f"L-{rng.randrange(240):03}"
    old = prices[listing]
    prices[listing] = int(old * rng.choice([0.82, 0.88, 0.95, 0.97, 0.98, 1.02, 1.04])) // 500 * 500
    changes.append((at + late(), {"listing_id": listing, "old_price": old, "new_price": prices[listing], "ts": at}))

write("listings.jsonl", listings, 1_000_000)
write("views.jsonl", views, 900)
write("price_changes.jsonl", changes, 140)
