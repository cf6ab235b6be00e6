"""A store that goes back to an earlier state, again and again, under load: who notices, what is claimed, what is left of it."""

import os
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass, field

from gate import BINARY
from line import Line

from .actions import Actor, Ends, Signed

# How long all gateways may take to come to where the store stands.
FOLLOWS_S = 30
# What becomes of the apps of a turn: given back in the lost part, after it, granted in the lost part, left alone.
KEPT_AGAIN, TAKEN, LOST, ALONE = (0, 1), (2, 3), (4, 5), (6, 7)
OF_A_TURN = 8


@dataclass
class Found:
    """What came out of one way to go back."""
    name: str
    times: int = 0
    receipts: int = 0
    false_receipts: int = 0
    merged: int = 0
    unnoticed: int = 0
    noticed: list = field(default_factory=list)
    followed: list = field(default_factory=list)


class Promoted:
    """A standby that has not received the last commits takes over."""

    def before(self, stage, turn):
        self.standby = stage.database().standby(f"stale-{turn}")
        head = stage.database().sql("SELECT revision FROM head")
        wait_until(lambda: int(self.standby.sql("SELECT revision FROM head")) >= int(head))
        self.standby.sql("ALTER SYSTEM SET primary_conninfo = ''")
        self.standby.sql("SELECT pg_reload_conf()")
        wait_until(lambda: self.standby.sql("SELECT count(*) FROM pg_stat_wal_receiver") == "0")

    def go_back(self, stage):
        old = stage.database()
        old.kill()
        self.standby.promote()
        stage.address.move_to(self.standby.port)
        stage.databases.append(self.standby)
        old.remove()


class Copied:
    """The folder of the database is put back, as it was when it was copied."""

    def before(self, stage, _):
        database = stage.database()
        self.copy = database.home / "copy"
        database.run("pg_ctl", "stop", "-w", "-D", database.data, "-m", "fast")
        subprocess.run(["cp", "-a", database.data, self.copy], check=True)
        database.start()
        stage.probe()

    def go_back(self, stage):
        database = stage.database()
        database.run("pg_ctl", "stop", "-w", "-D", database.data, "-m", "immediate")
        shutil.rmtree(database.data)
        self.copy.rename(database.data)
        database.start()


class CopiedWithEpoch(Copied):
    """The same, and a new epoch is begun as the handbook says."""

    def go_back(self, stage):
        super().go_back(stage)
        subprocess.run([BINARY, "store", "new-epoch"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env=dict(os.environ, TIDEGATE_DATABASE=stage.database().url()))


WAYS = {
    "promoted": (Promoted, "a stale standby is promoted"),
    "copied": (Copied, "a copy is put back"),
    "epoch": (CopiedWithEpoch, "a copy is put back, new epoch"),
}


def wait_until(holds, seconds=FOLLOWS_S):
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def play(stage, which, times, progress):
    """One way to go back, so many times."""
    make, name = WAYS[which]
    found = Found(name)
    for done in range(times):
        stage.turn = getattr(stage, "turn", -1) + 1
        once(stage, make(), stage.turn, which != "epoch", found)
        found.times += 1
        progress(done + 1, times)
    return found


def once(stage, way, turn, is_told, found):
    apps, ends = stage.apps[:OF_A_TURN], Ends(turn)
    controls = [Actor(node.address, stage.api, wait="enforced") for node in stage.cluster.controls]
    for number in range(OF_A_TURN):
        controls[0].done("AUTHORIZE", apps[number], ends.next())
    for number in LOST:
        controls[0].done("APP_CANCEL_AUTHORIZE", apps[number])
    way.before(stage, f"{found.name[:4].strip()}{turn}".replace(" ", ""))
    controls = [Actor(node.address, stage.api, wait="enforced") for node in stage.cluster.controls]
    for number in KEPT_AGAIN:
        again(controls[0], "APP_CANCEL_AUTHORIZE", apps[number])
    for number in LOST:
        again(controls[1], "AUTHORIZE", apps[number], ends.next())
    before = noticed(stage)
    way.go_back(stage)
    began = time.monotonic()
    stage.probe()
    # What is taken away now is answered with a receipt, which must hold whatever the gateways knew before.
    for number, address in zip(TAKEN, (node.address for node in stage.cluster.controls)):
        actor = Actor(address, stage.api, wait="enforced")
        again(actor, "APP_CANCEL_AUTHORIZE", apps[number])
        if actor.line.field(b"x-tidegate-enforced") == b"true":
            found.receipts += 1
            found.false_receipts += any(admits(node, stage, number) for node in stage.cluster.gateways)
    if is_told:
        if wait_until(lambda: noticed(stage) > before):
            found.noticed.append(time.monotonic() - began)
        else:
            found.unnoticed += 1
    wanted = {**dict.fromkeys(KEPT_AGAIN + ALONE, True), **dict.fromkeys(TAKEN + LOST, False)}
    right = lambda: all(admits(node, stage, number) == granted
                        for node in stage.cluster.gateways for number, granted in wanted.items())
    if wait_until(right):
        found.followed.append(time.monotonic() - began)
    else:
        found.merged += 1


def again(actor, kind, app, end=None):
    """An action that must succeed, tried again as long as nothing can be decided."""
    until = time.monotonic() + FOLLOWS_S
    while True:
        try:
            if actor.act(kind, app, end) // 100 == 2:
                return
        except OSError:
            pass
        if time.monotonic() > until:
            raise RuntimeError(f"{kind} is not decided")
        time.sleep(0.05)


def admits(node, stage, number):
    line = Line(node.address)
    line.ask(Signed(node.address, stage.apps).of(number))
    return line.status() == 200


def noticed(stage):
    return sum(node.metric("tidegate_store_setbacks_total") for node in stage.cluster.controls)


def good(found):
    return not (found.false_receipts or found.merged or found.unnoticed)


def table(founds):
    rows = ["| How the store goes back | times | receipts that said enforced | of them false | two histories merged | "
            "not noticed | noticed after: p50, p100 | gateways say what the store holds after: p50, p100 |", "|---" * 8 + "|"]
    for one in founds:
        rows.append(f"| {one.name} | {one.times} | {one.receipts} | **{one.false_receipts}** | **{one.merged}** | "
                    f"**{one.unnoticed}** | {spread(one.noticed)} | {spread(one.followed)} |")
    return "\n".join(rows)


def spread(values):
    return f"{statistics.median(values):.2f}, {max(values):.2f} s" if values else "–"
