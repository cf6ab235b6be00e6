"""Each fault many times, while grants change and all gateways are called."""

import os
import signal
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from judge import judge
from line import Line
from processes import wait_for

from .actions import Actor, Signed
from .meter import Meter, answers_again

HOUR_S = 3600
LIBFAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
# A little after the lease has ended for sure.
AFTER_LEASE_S = 0.5
# What a call is answered that was on its way when its gateway was frozen for longer than a backend may take.
AWAITED = {"504 backend-timeout"}
# How long a gateway may take to come to the last revision when all is well again.
FOLLOWS_S = 30


@dataclass
class Found:
    """What came out of one kind of fault."""
    which: str
    name: str
    times: int = 0
    recovered: list = field(default_factory=list)
    changes: int = 0
    unknown: int = 0
    calls: int = 0
    closed: int = 0
    lost_decisions: int = 0
    late: list = field(default_factory=list)
    early: list = field(default_factory=list)
    mistaken: int = 0
    others: Counter = field(default_factory=Counter)


class Stage:
    """A cluster on which faults are played."""

    def __init__(self, cluster, databases, address, api, apps):
        self.cluster, self.databases, self.address, self.api, self.apps = cluster, databases, address, api, apps

    def database(self):
        return self.databases[-1]

    def followed_by(self, name):
        """A standby that has every commit which is acknowledged from now on."""
        standby = self.database().standby(name)
        self.database().wait_for_each_commit_at(standby)
        return standby

    def probe(self):
        """Seconds until a decision is made and answered again, at whichever control node."""
        began, turn = time.monotonic(), 0
        while True:
            node = self.cluster.controls[turn % len(self.cluster.controls)]
            actor = Actor(node.address, self.api)
            try:
                actor.line = Line(node.address)
                actor.line.socket.settimeout(5)
                # The same end again changes nothing, and needs the database all the same.
                if actor.act("AUTHORIZE", self.apps[-1]) // 100 == 2:
                    return time.monotonic() - began
            except OSError:
                pass
            turn += 1
            if time.monotonic() - began > 120:
                raise RuntimeError("no decision is made any more")
            time.sleep(0.01)


def kill_control(stage, turn):
    node = stage.cluster.controls[turn % len(stage.cluster.controls)]
    node.kill()
    took = stage.probe()
    node.start().ready()
    return took


def kill_gateway(stage, turn):
    node = stage.cluster.gateways[turn % len(stage.cluster.gateways)]
    node.kill()
    node.start()
    return answers_again(node.address)


def kill_database(stage, _):
    began = time.monotonic()
    stage.database().kill()
    stage.database().start()
    stage.probe()
    return time.monotonic() - began


def fail_over(stage, turn):
    """A commit is acknowledged when the standby has it, so what was acknowledged is there after it took over."""
    old, standby = stage.database(), stage.followed_by(f"standby-{turn + 1}")
    began = time.monotonic()
    old.kill()
    standby.promote()
    stage.address.move_to(standby.port)
    stage.databases.append(standby)
    stage.probe()
    took = time.monotonic() - began
    old.remove()
    return took


def freeze_gateway(stage, turn):
    node = stage.cluster.gateways[turn % len(stage.cluster.gateways)]
    node.signal(signal.SIGSTOP)
    time.sleep(stage.cluster.lease + AFTER_LEASE_S)
    node.signal(signal.SIGCONT)
    return answers_again(node.address)


def cut_network(stage, turn):
    """Between one gateway and all control nodes, for longer than the lease."""
    node = stage.cluster.gateways[turn % len(stage.cluster.gateways)]
    node.network.cut()
    time.sleep(stage.cluster.lease + AFTER_LEASE_S)
    node.network.heal()
    return answers_again(node.address)


def wrong_clock(stage, turn):
    """One process after the other starts with a clock that is an hour off, and again with the right one."""
    nodes = [*stage.cluster.gateways, *stage.cluster.controls]
    node, hours = nodes[turn % len(nodes)], 1 if turn % 2 else -1
    node.stop()
    node.before = ["env", f"LD_PRELOAD={LIBFAKETIME}", f"FAKETIME={hours * HOUR_S:+d}", "FAKETIME_DONT_FAKE_MONOTONIC=1",
                   "DONT_FAKE_MONOTONIC=1"]
    node.start()
    time.sleep(1)
    node.stop()
    node.before = []
    began = time.monotonic()
    node.start().ready()
    return time.monotonic() - began


def each_writes(stage, began):
    """Seconds until each control node has made a decision, and says that it is ready."""
    for node in stage.cluster.controls:
        actor = Actor(node.address, stage.api)
        while True:
            try:
                actor.line = actor.line or Line(node.address)
                actor.line.socket.settimeout(15)
                if actor.act("AUTHORIZE", stage.apps[-1]) // 100 == 2 and wait_for(f"http://{node.address}/readyz") == 200:
                    break
            except OSError:
                actor.line = None
            if time.monotonic() - began > 120:
                raise RuntimeError("no decision is made any more")
            time.sleep(0.05)
    return time.monotonic() - began


def fall_silent(stage, _):
    """Every connection to the database, in whatever it is: idle, in a statement, in a commit, listening."""
    began = time.monotonic()
    stage.address.silence()
    return each_writes(stage, began)


def silent_commit(stage, _):
    """The connection whose COMMIT never arrives."""
    began = time.monotonic()
    stage.address.silence_at(b"COMMIT")
    return each_writes(stage, began)


def black_hole(stage, _):
    """Nothing passes and nothing is refused for a while: counted from its end."""
    stage.address.close()
    time.sleep(4)
    began = time.monotonic()
    stage.address.heal()
    return each_writes(stage, began)


def slow_way(stage, _):
    """Every message takes its time for a while: counted from its end."""
    stage.address.delay(0.05)
    time.sleep(4)
    began = time.monotonic()
    stage.address.heal()
    return each_writes(stage, began)


def frozen_backend(stage, turn):
    """One process of the database that serves a connection stands still: one that holds no lock, for nobody could take
    that from it."""
    found = stage.database().sql(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND state = 'idle' "
        "AND pid <> pg_backend_pid() ORDER BY pid").split()
    began = time.monotonic()
    victim = int(found[turn % len(found)])
    os.kill(victim, signal.SIGSTOP)
    try:
        return each_writes(stage, began)
    finally:
        os.kill(victim, signal.SIGCONT)


# Silence heals without an operator within this time.
HEALS_S = 10

FAULTS = {
    "control": (kill_control, "a control node is killed (-9)"),
    "gateway": (kill_gateway, "a gateway is killed (-9)"),
    "database": (kill_database, "PostgreSQL is killed (-9)"),
    "failover": (fail_over, "PostgreSQL is killed, its standby takes over"),
    "freeze": (freeze_gateway, "a gateway is frozen past its lease"),
    "cut": (cut_network, "a gateway is cut off past its lease"),
    "clock": (wrong_clock, "a process's clock is an hour off"),
    "silence": (fall_silent, "every connection to PostgreSQL falls silent"),
    "commit": (silent_commit, "a COMMIT never arrives"),
    "hole": (black_hole, "PostgreSQL's address is a black hole for 4 s"),
    "slow": (slow_way, "each message takes 50 ms for 4 s"),
    "backend": (frozen_backend, "a process of PostgreSQL is frozen"),
}
SILENCES = ["silence", "commit", "hole", "slow", "backend"]


def play(stage, which, times, wait, progress):
    """One kind of fault, so many times."""
    act, name = FAULTS[which]
    found = Found(which, name)
    with Meter(stage.cluster, stage.api, stage.apps[:-1], wait=wait) as meter:
        for turn in range(times):
            time.sleep(0.2)
            found.recovered.append(act(stage, turn))
            found.times += 1
            progress(turn + 1, times)
        time.sleep(1)
    told = judge(meter.changes, meter.calls.values())
    found.changes = sum(change.granted is not None for change in meter.changes)
    found.unknown = len(meter.changes) - found.changes
    found.calls, found.closed, found.others = told.calls, told.closed, told.others
    found.late, found.early = list(told.wrong[False]), list(told.wrong[True])
    found.mistaken = told.mistaken
    for window, sent, came, revision in told.mistakes:
        print(f"\nsent {sent - window.start} ns after {window}, answered {came - sent} ns later, at revision {revision}",
              file=sys.stderr)
    found.lost_decisions = lost(stage, meter)
    return found


def lost(stage, meter):
    """Apps of which a gateway does not say what was acknowledged last, once it has come so far."""
    wrong, newest = 0, max(change.revision for change in meter.changes)
    for node in stage.cluster.gateways:
        line, signed = Line(node.address), Signed(node.address, stage.apps)
        until = time.monotonic() + FOLLOWS_S
        while True:
            line.ask(signed.of(0))
            if int(line.field(b"x-tidegate-revision") or -1) >= newest or time.monotonic() > until:
                break
            time.sleep(0.05)
        for number, granted in meter.last().items():
            if granted is None:
                continue
            line.ask(signed.of(number))
            wrong += (line.status() == 200) != granted
    return wrong


def good(found, lease, wait):
    """Was every promise kept?"""
    bound = (lease + AFTER_LEASE_S) * 1e9
    late = 0 if wait == "enforced" else bound
    if found.which in SILENCES and max(found.recovered) > HEALS_S:
        return False
    return not (found.lost_decisions or found.mistaken or found.others.keys() - AWAITED or any(value > late for value in found.late)
                or any(value > bound for value in found.early))


def table(founds, lease):
    rows = ["| Fault | times | acknowledged decisions | lost | of unknown outcome | calls | let in after a cancel's answer: number, "
            f"latest | beyond the lease of {lease} s | denied after a grant's answer: number, latest | decided against what was known | "
            "answers that the gateway is closed | other answers | back after: p50, p100 |", "|---" * 13 + "|"]
    for one in founds:
        beyond = sum(value > (lease + AFTER_LEASE_S) * 1e9 for value in one.late)
        rows.append(f"| {one.name} | {one.times} | {one.changes} | **{one.lost_decisions}** | {one.unknown} | {one.calls} | "
                    f"{latest(one.late)} | **{beyond}** | {latest(one.early)} | **{one.mistaken}** | {one.closed} | {others(one.others)} | "
                    f"{statistics.median(one.recovered):.2f}, {max(one.recovered):.2f} s |")
    return "\n".join(rows)


def others(kinds):
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items())) or "0"


def latest(values):
    return f"{len(values)}, {max(values) / 1e9:.2f} s" if values else "0"
