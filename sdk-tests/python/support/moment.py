"""Moments, as the protocol has them: texts on the way in, milliseconds on the way out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_MS = 3_600_000


@dataclass(frozen=True, order=True)
class Moment:
    """A moment, in milliseconds since the epoch."""

    ms: int

    @classmethod
    def parse(cls, text: str) -> Moment:
        """The moment in an ISO 8601 text."""
        since = datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH
        return cls(since // timedelta(milliseconds=1))

    @property
    def iso(self) -> str:
        """As requests carry it: 2021-01-01T10:00:00.000Z."""
        at = EPOCH + timedelta(milliseconds=self.ms)
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.ms % 1000:03}Z"

    @property
    def short(self) -> str:
        """As texts for people have it: 2021-01-01T10:00:00Z."""
        return self.iso.replace(".000Z", "Z")

    def plus(self, *, days=0, hours=0, minutes=0, seconds=0, ms=0) -> Moment:
        """The moment so much later."""
        by = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=ms)
        return Moment(self.ms + by // timedelta(milliseconds=1))

    def floor_hour(self) -> Moment:
        """The last whole hour."""
        return Moment(self.ms - self.ms % HOUR_MS)

    def __str__(self) -> str:
        return self.iso
