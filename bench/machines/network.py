"""A gateway in a network of its own, so that its way to the control nodes can be cut and not that of its callers."""

import os
import subprocess


def ip(*words, check=True):
    subprocess.run(["ip", *words], check=check, capture_output=True)


class Network:
    """A namespace with two wires to this machine: one for calls, one to the control side."""

    def __init__(self, number):
        self.name = f"tidegate-{os.getpid()}-{number}"
        self.wires = {"c": f"10.201.{number}", "f": f"10.202.{number}"}
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "set", "lo", "up")
        for kind, net in self.wires.items():
            here = self.here(kind)
            ip("link", "add", here, "type", "veth", "peer", "name", kind, "netns", self.name)
            ip("addr", "add", f"{net}.1/24", "dev", here)
            ip("link", "set", here, "up")
            ip("-n", self.name, "addr", "add", f"{net}.2/24", "dev", kind)
            ip("-n", self.name, "link", "set", kind, "up")
        self.before = ["ip", "netns", "exec", self.name]
        self.calls, self.control, self.backend = (
            f"{self.wires['c']}.2", f"{self.wires['f']}.1", f"{self.wires['c']}.1")

    def here(self, kind):
        return f"tg{os.getpid() % 100000}{kind}{self.wires[kind].rpartition('.')[2]}"

    def cut(self):
        ip("link", "set", self.here("f"), "down")

    def heal(self):
        ip("link", "set", self.here("f"), "up")

    def remove(self):
        for kind in self.wires:
            ip("link", "del", self.here(kind), check=False)
        ip("netns", "del", self.name, check=False)
