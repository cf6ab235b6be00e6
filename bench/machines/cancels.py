"""From a cancel to its denial at every gateway.

The app's side cancels at one of the control nodes in turn, which takes effect at once. From the moment the
cancel is sent, the app calls at every gateway, over a kept connection each, again and again until it is denied.
Counted are, per cancel, from the first byte of the request: until its answer, until the last gateway denied,
and every call that was sent after the answer and let in all the same. Then the grant is given again; its app's
turn comes again when all gateways let it in.
"""

import select
import time

from line import Line

from .actions import Actor, Ends, Signed
from .load import Load

# How soon a gateway that let a call in is asked again.
AGAIN_S = 0.001
PATIENCE_S = 30


class Doors:
    """One kept connection to each gateway."""

    def __init__(self, gateways, apps):
        self.lines = [Line(node.address) for node in gateways]
        self.signed = [Signed(node.address, apps) for node in gateways]
        self.poll = select.epoll()
        self.by_number = {line.fileno(): i for i, line in enumerate(self.lines)}
        for number in self.by_number:
            self.poll.register(number, select.EPOLLIN)

    def until(self, app, admitted, also=None, taken=None):
        """Calls at every door until each has answered so; when each did, and the calls meanwhile that did not:
        `(when sent, when answered)`. `also` is a connection whose answer is waited for beside, told to `taken`."""
        if also:
            self.poll.register(also.fileno(), select.EPOLLIN)
        waiting, due, done, others = set(), {i: 0.0 for i in range(len(self.lines))}, {}, []
        until = time.monotonic() + PATIENCE_S
        while waiting or due or also:
            now = time.monotonic()
            if now > until:
                raise RuntimeError(f"{len(due) + len(waiting)} gateways do not follow")
            for door in [door for door, at in due.items() if at <= now]:
                self.lines[door].send(self.signed[door].of(app))
                waiting.add(door)
                del due[door]
            for number, _ in self.poll.poll(AGAIN_S):
                if also and number == also.fileno():
                    if also.take():
                        self.poll.unregister(number)
                        taken(also)
                        also = None
                    continue
                door = self.by_number[number]
                line = self.lines[door]
                if not line.take():
                    continue
                waiting.discard(door)
                if (line.status() == 200) == admitted:
                    done[door] = line.came
                else:
                    others.append((line.sent, line.came))
                    due[door] = time.monotonic() + AGAIN_S
        return done, others


def cancel(actor, doors, apps, number):
    """One cancel: in ns from its sending, its answer and the last denial; and how late calls were let in."""
    answered = []

    def taken(line):
        if line.status() // 100 != 2:
            raise RuntimeError(line.answer.decode())
        answered.append(line.came)

    line = actor.send("APP_CANCEL_AUTHORIZE", apps[number])
    sent = line.sent
    denied, admitted = doors.until(number, False, line, taken)
    late = [at - answered[0] for at, _ in admitted if at > answered[0]]
    return answered[0] - sent, max(denied.values()) - sent, late


def measure(cluster, api, apps, count, per_second, progress):
    """`count` cancels under load; columns of ns, and the load."""
    cancelled, loaded = apps[:len(apps) // 2], apps[len(apps) // 2:]
    actors = [Actor(node.address, api) for node in cluster.controls]
    doors, ends = Doors(cluster.gateways, cancelled), Ends()
    answered, denied, late = [], [], []
    with Load(cluster.gateways, loaded, per_second) as load:
        for turn in range(count):
            number, actor = turn % len(cancelled), actors[turn % len(actors)]
            doors.until(number, True)
            to_answer, to_denial, too_late = cancel(actor, doors, cancelled, number)
            answered.append(to_answer)
            denied.append(to_denial)
            late += too_late
            actors[(turn + 1) % len(actors)].done("AUTHORIZE", cancelled[number], ends.next())
            progress(turn + 1, count)
    return {"answered": answered, "denied": denied, "late": late, "load": load}
