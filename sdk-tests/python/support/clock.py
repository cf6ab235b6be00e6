"""The server's clock, which the tests move."""

from __future__ import annotations

from .answer import Answer
from .moment import Moment
from .signing import quiet_session


class Clock:
    """The clock of a development server. It only moves forward."""

    def __init__(self, control: str):
        self._url = f"{control}/dev/clock"
        self._session = quiet_session()

    def read(self) -> dict:
        """What the server tells of it."""
        return self._told(self._session.get(self._url, timeout=30))

    def now(self) -> Moment:
        """What it shows."""
        return Moment(self.read()["now"])

    def advance(self, *, days=0, hours=0, minutes=0, seconds=0) -> Moment:
        """Moves it forward."""
        total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        told = self._told(
            self._session.post(self._url, json={"advance_seconds": total}, timeout=30)
        )
        return Moment(told["now"])

    def go_to(self, moment: Moment) -> Moment:
        """Moves it to a moment, or up to a second past it: it moves by whole seconds, and runs."""
        now = self.now()
        assert now < moment, f"it is {now} already"
        shown = self.advance(seconds=-((now.ms - moment.ms) // 1000))
        assert moment <= shown
        return shown

    def just_before(self, moment: Moment) -> Moment:
        """Moves it to half a minute before a moment: long enough for a few calls."""
        return self.go_to(moment.plus(seconds=-30))

    def hour(self, count: int) -> Moment:
        """The whole hour so many hours after the last one."""
        return self.now().floor_hour().plus(hours=count)

    def begin_quarter_past(self):
        """Makes sure that no hour ends while a test runs: `hour(n)` stays what it was."""
        now = self.now()
        past = now.ms - now.floor_hour().ms
        if not 60_000 <= past <= 20 * 60_000:
            self.go_to(now.floor_hour().plus(hours=1, minutes=15))

    @staticmethod
    def _told(response) -> dict:
        assert response.status_code == 200, Answer(response)
        return response.json()
