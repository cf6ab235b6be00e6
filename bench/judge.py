"""What calls should have been answered, by what was acknowledged before they were sent."""

from array import array
from bisect import bisect_right
from collections import Counter, namedtuple

ADMITTED, DENIED, OTHER, CLOSED = range(4)
# What a gateway says that does not know enough to decide.
NOT_OPEN = (b"not-ready", b"lease-lapsed")

# A change of what an app may do: whether it holds a grant after it (None: nobody knows, for the answer never
# came), when the change was asked for and answered, and the revision of the answer.
Change = namedtuple("Change", "app granted sent came revision")

# From the answer to a change until the next change is asked for. Until its answer, the next one may or
# may not have happened; its revision tells.
Window = namedtuple("Window", "start end granted revision next_revision")

NEVER = 1 << 62


class Calls:
    """The calls of one process, in columns, for there are millions."""

    def __init__(self):
        self.app, self.sent, self.came, self.revision, self.verdict = (array(kind) for kind in "Hqqqb")
        # What those were that are no verdict.
        self.others = Counter()

    def add(self, app, line):
        status, reason = line.status(), line.field(b"x-tidegate-reason")
        if status == 200 and reason is None:
            verdict = ADMITTED
        elif reason in (b"no-grant", b"cancelled"):
            verdict = DENIED
        elif reason in NOT_OPEN:
            verdict = CLOSED
        else:
            verdict = OTHER
            self.others[line.outcome()] += 1
        self.app.append(app)
        self.sent.append(line.sent)
        self.came.append(line.came)
        self.revision.append(int(line.field(b"x-tidegate-revision") or -1))
        self.verdict.append(verdict)

    def rows(self):
        return zip(self.app, self.sent, self.came, self.revision, self.verdict)


class Verdicts:
    """Counted calls."""

    def __init__(self):
        self.calls = self.admitted = self.denied = self.closed = self.open = self.stale = 0
        # Those that are no verdict, by what they are.
        self.others = Counter()
        # Of judged calls, how long after the answer they were sent (in ns), by what holds: a grant or none.
        self.judged = {False: array("q"), True: array("q")}
        # Of those among them that were answered as if the change had not been made.
        self.wrong = {False: array("q"), True: array("q")}
        # Those of these that were decided at its revision or a later one, by what was known, and wrongly:
        # `(window, sent, came, revision)`.
        self.mistakes = []

    @property
    def other(self):
        return self.others.total()

    @property
    def mistaken(self):
        return len(self.mistakes)


def windows_of(changes):
    """The windows of each app, in order."""
    windows, last = {}, {}
    for change in sorted(changes, key=lambda change: change.sent):
        own = windows.setdefault(change.app, [])
        before = last.get(change.app)
        if before and before.granted is not None:
            own.append(Window(before.came, change.sent, before.granted, before.revision, change.revision))
        last[change.app] = change
    for app, change in last.items():
        if change.granted is not None:
            windows[app].append(Window(change.came, NEVER, change.granted, change.revision, NEVER))
    return windows


def judge(changes, all_calls):
    told = Verdicts()
    windows = windows_of(changes)
    starts = {app: [window.start for window in own] for app, own in windows.items()}
    for calls in all_calls:
        told.others += calls.others
        for app, sent, came, revision, verdict in calls.rows():
            told.calls += 1
            told.admitted += verdict == ADMITTED
            told.denied += verdict == DENIED
            told.closed += verdict == CLOSED
            number = bisect_right(starts.get(app, ()), sent) - 1
            # An answer that is no verdict is counted, and says nothing of what was decided.
            is_verdict = verdict in (ADMITTED, DENIED)
            if number < 0 or not is_verdict or sent >= windows[app][number].end:
                told.open += 1
                continue
            window = windows[app][number]
            told.stale += revision < window.revision
            # An answer that came after the next change was asked for may already follow that one, unless
            # it says itself that it was decided before.
            if came >= window.end and revision >= window.next_revision:
                told.open += 1
                continue
            told.judged[window.granted].append(sent - window.start)
            if verdict != (ADMITTED if window.granted else DENIED):
                told.wrong[window.granted].append(sent - window.start)
                if revision >= window.revision:
                    told.mistakes.append((window, sent, came, revision))
    return told
