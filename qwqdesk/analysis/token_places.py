"""Where each token of a reply is shown, and which token is shown at a place.

Tokens are counted from 0 and may be fractions: 3.5 is the middle of token 3.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from qwqdesk.analysis.alignment import Segment
from qwqdesk.analysis.place_map import PlaceMap

Part = Literal["reasoning", "answer"]


class TokenPlaces:
    """One reply: its tokens, its text, and how its two parts are shown."""

    def __init__(
        self,
        ends: Sequence[int],
        text: str,
        reasoning: str | None,
        answer: str,
        shown: tuple[str, str],
    ) -> None:
        """`ends`: for each token, how many characters of `text` stood after it.

        `shown` is the reasoning and the answer as they stand on the screen.
        """
        self._ends = ends
        thoughts = reasoning or ""
        self._thoughts_at = max(0, text.find(thoughts))
        self._thoughts_size = len(thoughts)
        self._answer_at = max(0, text.rfind(answer)) if answer else len(text)
        self._maps = {
            "reasoning": PlaceMap(thoughts, shown[0]),
            "answer": PlaceMap(answer, shown[1]),
        }

    def shown_at(self, token: float) -> tuple[Part, int]:
        """The part and the place in what is shown of it, where a token begins."""
        return self.shown_char(self._char(token))

    def shown_char(self, char: int) -> tuple[Part, int]:
        """The same for a character of the whole text."""
        thought = char - self._thoughts_at
        if self._thoughts_size and char < self._answer_at and thought <= self._thoughts_size:
            return "reasoning", self._maps["reasoning"].to_shown(max(0, thought))
        return "answer", self._maps["answer"].to_shown(max(0, char - self._answer_at))

    def token_at(self, part: Part, place: int) -> float:
        """The token that is shown at a place of a part."""
        start = self._thoughts_at if part == "reasoning" else self._answer_at
        return self._token(start + self._maps[part].to_source(place))

    def _char(self, token: float) -> int:
        whole = min(int(token), len(self._ends))
        start = self._ends[whole - 1] if whole > 0 else 0
        end = self._ends[whole] if whole < len(self._ends) else start
        return start + int((token - whole) * (end - start))

    def _token(self, char: int) -> float:
        token = bisect_right(self._ends, char)
        start = self._ends[token - 1] if token else 0
        end = self._ends[token] if token < len(self._ends) else start
        return token + ((char - start) / (end - start) if end > start else 0.0)


class TokenLink:
    """Which token of one lane stands beside which of the other; continuous, never going back.

    Equal tokens stand beside each other. What only one lane has is stretched over what the other
    has in its place.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        points = [(0, 0)]
        for segment in segments:
            if segment.kind == "equal":
                points.append((segment.a_start, segment.b_start))
            points.append((segment.a_end, segment.b_end))
        self._points = list(dict.fromkeys(_without_steps(points, segments)))

    def across(self, token: float, *, back: bool = False) -> float:
        """A token of a as one of b; with `back` the other way."""
        this = 1 if back else 0
        points = self._points
        after = bisect_left(points, token, key=lambda point: float(point[this]))
        if after == 0:
            return float(points[0][1 - this])
        if after == len(points):
            return float(points[-1][1 - this])
        low, high = points[after - 1], points[after]
        share = (token - low[this]) / (high[this] - low[this])
        return low[1 - this] + share * (high[1 - this] - low[1 - this])


def _without_steps(
    points: Sequence[tuple[int, int]], segments: Sequence[Segment]
) -> list[tuple[int, int]]:
    """Leave out the corner between "only in a" and "only in b": they stand side by side."""
    corners = {
        (left.a_end, left.b_end)
        for left, right in pairwise(segments)
        if left.kind != "equal" and right.kind != "equal"
    }
    return [point for point in points if point not in corners]
