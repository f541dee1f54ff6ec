"""enactor.py [--if-unchanged]: brings each new plan into force, when it is newer than the one in force.

That is asked once, before the update starts. As it comes, the update says nothing of what was found. With --if-unchanged it carries
what was found as a prerequisite (RFC 2136 §2.4): the server takes it only if that still holds.
"""

import sys
import time

from plans import LIVE, in_force, name_of, next_plan, update

careful = "--if-unchanged" in sys.argv[1:]
ROUND = 3.2  # s: it has other names to see to before it comes back to this one


def apply(plan):
    newest, (found, exists) = plan["generation"], in_force()
    if found is None or found >= newest:
        return print(f"plan {newest} passed over: {found} is in force", flush=True)
    if not careful and not exists:
        return print(f"plan {newest} not applied: plan {found} is in force and does not exist: cannot tell how new it is", flush=True)
    name = name_of(newest)
    records = [f"update add {name} 1 A {address}" for address in plan["addresses"]]
    unchanged = [f"prereq yxrrset {LIVE} CNAME {name_of(found)}"] if careful else []
    if update(*unchanged, *records, f'update add {name} 1 TXT "{newest}"', f"update delete {LIVE} CNAME", f"update add {LIVE} 1 CNAME {name}"):
        print(f"plan {newest} applied over {found}", flush=True)


seen = 0
while True:
    plan = next_plan(after=seen)
    seen = plan["generation"]
    apply(plan)
    time.sleep(ROUND)
