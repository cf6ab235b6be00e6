"""Load while something is measured: signed calls at a steady pace at every gateway, each process on its own."""

import multiprocessing
import random
import time
from collections import Counter

from line import Line

from .actions import Signed


def pace(address, apps, per_second, seed, stop, told):
    """Calls random apps at random moments, so many a second, until told to stop. Who is late does not catch up."""
    dice, signed = random.Random(seed), Signed(address, apps)
    line, admitted, failed = None, 0, Counter()
    while not stop.is_set():
        begun = time.monotonic()
        try:
            line = line or Line(address)
            line.ask(signed.of(dice.randrange(len(apps))))
            if line.status() == 200:
                admitted += 1
            else:
                failed[line.outcome()] += 1
        except OSError as error:
            line = None
            failed[str(error)] += 1
        time.sleep(max(0.0, dice.expovariate(per_second) - (time.monotonic() - begun)))
    told.put((admitted, failed))


class Load:
    """Begins with the block and ends with it; then `admitted` and `failed` are counted, the latter by its kind."""

    def __init__(self, gateways, apps, per_second):
        self.stop, self.told = multiprocessing.Event(), multiprocessing.Queue()
        share = max(1.0, per_second / len(gateways))
        self.processes = [
            multiprocessing.Process(target=pace, args=(node.address, apps, share, node.name, self.stop, self.told))
            for node in gateways if per_second
        ]
        self.admitted, self.failed = 0, Counter()

    def __enter__(self):
        self.began = time.monotonic()
        for process in self.processes:
            process.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for _ in self.processes:
            admitted, failed = self.told.get(timeout=30)
            self.admitted += admitted
            self.failed += failed
        self.seconds = time.monotonic() - self.began
        for process in self.processes:
            process.join()
