"""cleaner.py [--by-reachability]: some time after each new plan, deletes those that are significantly older.

As it comes it goes by age alone. With --by-reachability it spares the plan in force, however old, and each deletion is conditional
on that very plan still being in force.
"""

import sys
import time

from plans import LIVE, in_force, name_of, next_plan, plans, update

careful = "--by-reachability" in sys.argv[1:]
GRACE = 3.0  # s, from a plan's emission to the clean-up that it causes
OLD = 2  # generations

seen = 0
while True:
    seen = next_plan(after=seen)["generation"]
    time.sleep(GRACE)
    current, _ = in_force()
    for old in plans():
        if old > seen - OLD or (careful and old == current):
            continue
        in_force_still = [f"prereq yxrrset {LIVE} CNAME {name_of(current)}"] if careful else []
        if update(*in_force_still, f"update delete {name_of(old)}"):
            print(f"plan {old} deleted; {current} is in force", flush=True)
