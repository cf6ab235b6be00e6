"""What goes on while things break: grants change at random, and every gateway is called without a pause.

Whoever gets no answer goes on elsewhere or tries again. A change whose answer never came may or may not have
happened: until the app's next one is answered, nothing is said of its calls.
"""

import multiprocessing
import random
import time

from judge import Calls, Change
from line import Line

from .actions import Actor, Ends, Signed

# A call or change that takes longer is given up. A control node answers within 10 s, so what is given up is not done
# later.
PATIENCE_S = 12
PAUSE_S = 0.02


class Changer:
    """Changes grants of its own apps: given, and cancelled by the app's side, which takes effect at once."""

    def __init__(self, addresses, api, apps, own, seed, wait, turn):
        self.actors = [Actor(address, api, wait) for address in addresses]
        self.apps, self.own, self.dice, self.ends = apps, list(own), random.Random(seed), Ends(turn)
        # What an earlier turn left is not asked for.
        self.state = dict.fromkeys(self.own)
        self.changes, self.at = [], 0

    def step(self):
        number = self.dice.choice(self.own)
        # Authorizing is right whatever holds now.
        granted = self.state[number] is not True
        kind = "AUTHORIZE" if granted else "APP_CANCEL_AUTHORIZE"
        actor, sent = self.actors[self.at], time.monotonic_ns()
        try:
            if actor.line is None:
                actor.line = Line(actor.address)
                actor.line.socket.settimeout(PATIENCE_S)
            status = actor.act(kind, self.apps[number], self.ends.next())
        except OSError:
            status = 0
        if status // 100 == 2:
            line, self.state[number] = actor.line, granted
            self.changes.append(Change(number, granted, line.sent, line.came, int(line.field(b"x-tidegate-revision"))))
            return
        if status and status < 500:
            raise RuntimeError(f"{kind}: {actor.line.answer.decode()}")
        self.state[number] = None
        self.changes.append(Change(number, None, sent, time.monotonic_ns(), -1))
        self.at = (self.at + 1) % len(self.actors)
        time.sleep(PAUSE_S)


def change(addresses, api, apps, own, seed, wait, turn, stop, told):
    changer = Changer(addresses, api, apps, own, seed, wait, turn)
    while not stop.is_set():
        changer.step()
        time.sleep(changer.dice.expovariate(50))
    told.put(("changes", changer.changes))


def hammer(address, apps, per_second, seed, stop, told):
    """Calls of random apps at one gateway."""
    dice, signed, calls, line, lost = random.Random(seed), Signed(address, apps), Calls(), None, 0
    while not stop.is_set():
        number = dice.randrange(len(apps))
        try:
            if line is None:
                line = Line(address)
                line.socket.settimeout(PATIENCE_S)
            line.ask(signed.of(number))
            calls.add(number, line)
        except OSError:
            line, lost = None, lost + 1
            time.sleep(PAUSE_S)
        time.sleep(dice.expovariate(per_second))
    told.put(("calls", (seed, calls, lost)))


class Meter:
    """Begins with the block and ends with it; then there are `changes`, and `calls` and `lost` by gateway."""

    turns = 0

    def __init__(self, cluster, api, apps, changers=2, per_second=100, wait=None):
        Meter.turns += 1
        self.stop, self.told = multiprocessing.Event(), multiprocessing.Queue()
        at = [node.address for node in cluster.controls]
        own = [range(i, len(apps), changers) for i in range(changers)]
        self.processes = [
            multiprocessing.Process(target=change, args=(
                at[i % len(at):] + at[:i % len(at)], api, apps, own[i], f"changer {i}", wait, Meter.turns,
                self.stop, self.told))
            for i in range(changers)
        ] + [
            multiprocessing.Process(target=hammer, args=(
                node.address, apps, per_second, node.name, self.stop, self.told))
            for node in cluster.gateways
        ]
        self.changes, self.calls, self.lost = [], {}, {}

    def __enter__(self):
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, kind, *_):
        self.stop.set()
        for _ in self.processes:
            what, told = self.told.get(timeout=4 * PATIENCE_S)
            if what == "changes":
                self.changes += told
            else:
                name, self.calls[name], self.lost[name] = told
        for process in self.processes:
            process.join()

    def last(self):
        """What holds of each app at the end, if that is known."""
        newest = {}
        for one in sorted(self.changes, key=lambda one: one.sent):
            newest[one.app] = one.granted
        return newest


def answers_again(address, seconds=60):
    """Seconds until something takes a connection there and answers."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            line = Line(address)
            line.ask(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
            if line.status() == 200:
                return time.monotonic() - began
        except OSError:
            pass
        time.sleep(0.005)
    raise RuntimeError(f"{address} does not come back")
