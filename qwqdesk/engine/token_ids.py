"""Token numbers are checked before native code sees them: it reads its tables without looking.

A number comes from a stranger's run file as well as from this program, and ctypes cuts one that is
too large to 32 bits without a word.
"""

from __future__ import annotations

from collections.abc import Collection

from qwqdesk.errors import UserError


def unknown_token(tokens: Collection[int], n_vocab: int) -> int | None:
    """The first number that a vocabulary of `n_vocab` tokens does not have; None without any."""
    if not tokens or (min(tokens) >= 0 and max(tokens) < n_vocab):
        return None
    return next(token for token in tokens if not 0 <= token < n_vocab)


def check_tokens(tokens: Collection[int], n_vocab: int) -> None:
    """Refuse numbers that are no tokens of the vocabulary.

    Raises:
        UserError: code "token", naming the first of them.
    """
    token = unknown_token(tokens, n_vocab)
    if token is not None:
        raise no_such_token(token, n_vocab)


def no_such_token(token: int, n_vocab: int) -> UserError:
    """The error for a token number that the vocabulary does not have."""
    return UserError(
        f"There is no token {token}: this model has the tokens 0 to {n_vocab - 1}.",
        "Use tokens of this model, or the model that they come from.",
        code="token",
    )
