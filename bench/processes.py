"""Servers under test: started, watched by the kernel's accounting, ended by pid."""

import os
import signal
import socket
import subprocess
import time
import urllib.request


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process and its children."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, **options)

    def pids(self):
        """The process and its children."""
        pids = [self.process.pid]
        with open(f"/proc/{pids[0]}/task/{pids[0]}/children") as children:
            pids += [int(pid) for pid in children.read().split()]
        return pids

    def cpu_seconds(self):
        """Time on a CPU, over all threads of all processes."""
        total = 0
        for pid in self.pids():
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as stat:
                    total += int(stat.read().split()[0])
        return total / 1e9

    def memory_mib(self):
        """Resident memory of all processes."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/status") as status:
                total += next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        return total / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wait_for(url, seconds=20):
    """Waits until something answers at `url`, whatever it says."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.urlopen(url, timeout=1).status
        except urllib.error.HTTPError as answer:
            return answer.code
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
