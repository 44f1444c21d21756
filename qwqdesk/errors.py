"""The two kinds of errors: the user's, said in words with the next step, and everything else.

A `UserError` is expected: a missing file, a full disk, an impossible value. It is shown in place.
Any other exception is a bug of ours and is reported with its traceback.
"""

from __future__ import annotations


class UserError(Exception):
    """Something the user can understand and mend.

    Args:
        what: what happened, as one full sentence.
        what_to_do: the next step, as one full sentence.
        code: a short stable word for scripts, as in ``{"error": {"code": ...}}``.
        detail: what another program said about it in its own words; shown on demand.
    """

    def __init__(
        self, what: str, what_to_do: str, *, code: str = "failed", detail: str = ""
    ) -> None:
        super().__init__(what, what_to_do, code)
        self.what = what
        self.what_to_do = what_to_do
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.what} {self.what_to_do}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.what, self.what_to_do, self.code, self.detail)


def _restore(
    kind: type[UserError], what: str, what_to_do: str, code: str, detail: str = ""
) -> UserError:
    """Pickle support: keyword-only arguments are not restored by the default protocol."""
    found = kind(what, what_to_do, code=code)
    found.detail = detail
    return found
