"""What the enactors and the cleaner share: plans from the planner, and the zone in which they lie.

A plan is a name of its own, plan-N.region.example, with its addresses and its generation as TXT. live.region.example is a CNAME to
the plan in force. Questions are asked by dig, updates (RFC 2136) made by nsupdate.
"""

import json
import subprocess
import urllib.request

SERVER, PLANNER, ZONE = "10.99.0.53", "10.99.0.60", "region.example."
LIVE = "live." + ZONE


def name_of(generation):
    return f"plan-{generation}.{ZONE}"


def next_plan(after):
    with urllib.request.urlopen(f"http://{PLANNER}/plan?after={after}") as reply:
        return json.load(reply)


def dig(name, kind):
    """The records of an answer, each as its columns: name, TTL, class, type, data."""
    done = subprocess.run(["dig", "+noall", "+answer", "+time=2", f"@{SERVER}", name, kind], capture_output=True, text=True)
    return [line.split() for line in done.stdout.splitlines() if line[:1] not in ("", ";")]


def number_of(name):
    return int(name.removeprefix("plan-").split(".")[0])


def in_force():
    """The generation of the plan that `live` points to (None: nothing), and whether that plan exists."""
    answer = dig(LIVE, "TXT")
    target = [record[4] for record in answer if record[3] == "CNAME"]
    return number_of(target[0]) if target else None, any(record[3] == "TXT" for record in answer)


def plans():
    """The generations of all plans that lie in the zone."""
    return sorted({number_of(record[0]) for record in dig(ZONE, "AXFR") if record[0].startswith("plan-")})


def update(*lines):
    """True if the server took it; all of it or nothing (RFC 2136 §3.4.2.7). False if a prerequisite does not hold, or no answer."""
    script = "\n".join([f"server {SERVER}", f"zone {ZONE}", *lines, "send", ""])
    done = subprocess.run(["nsupdate", "-u", "9", "-r", "0", "-t", "9"], input=script, capture_output=True, text=True)
    if done.returncode != 0:
        print(f"update refused: {(done.stdout + done.stderr).strip()}", flush=True)
    return done.returncode == 0
