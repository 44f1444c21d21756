"""The way through a conversation's tree: which replies a lane has behind it."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.conversation import Conversation, Reply, UserMessage
from qwqdesk.conversation_path import (
    continues_from,
    lane_replies,
    messages_to,
    newest_tip,
    parent_of_answer,
    path_to,
)


def reply(number: int, message: int, lane: str, parent: int | None) -> Reply:
    return Reply(
        number, message, lane, answer=f"a{number}", reasoning=f"r{number}", parent_id=parent
    )


def message(
    number: int, parent: int | None, *replies: tuple[int, str] | tuple[int, str, int]
) -> UserMessage:
    """Replies are (id, lane) or (id, lane, parent); without one they share the message's."""
    made = tuple(
        reply(entry[0], number, entry[1], entry[2] if len(entry) == 3 else parent)
        for entry in replies
    )
    return UserMessage(number, 1, parent, f"q{number}", 0.0, made)


def conversation(tips: Mapping[str, int], *messages: UserMessage) -> Conversation:
    return Conversation(1, "", 0.0, 0.0, "", (), tips, messages)


# Two lanes, two turns.
ONE = message(1, None, (11, "A"), (12, "B"))
TWO = message(2, 11, (21, "A"), (22, "B", 12))


def ids(path: tuple[UserMessage, ...]) -> list[int]:
    return [entry.id for entry in path]


def texts(found: Conversation, lane: str) -> list[str]:
    """What the model would see of the lane's history."""
    return [m.content for m in messages_to(found, continues_from(found, lane))]


def shown(found: Conversation, lane: str) -> list[str | None]:
    """What the lane shows below each message."""
    replies = lane_replies(path_to(found, found.tips), found, lane)
    return [each.answer if each is not None else None for each in replies]


def test_the_path_ends_at_the_newest_tip() -> None:
    found = conversation({"A": 21, "B": 22}, ONE, TWO)
    assert ids(path_to(found, found.tips)) == [1, 2]
    assert ids(path_to(found, {"A": 11})) == [1]
    assert ids(path_to(found, {"A": 11, "B": 22})) == [1, 2]


def test_each_lane_has_its_own_replies() -> None:
    found = conversation({"A": 21, "B": 22}, ONE, TWO)
    assert texts(found, "A") == ["q1", "a11", "q2", "a21"]
    assert texts(found, "B") == ["q1", "a12", "q2", "a22"]
    assert shown(found, "B") == ["a12", "a22"]


def test_a_lane_added_later_keeps_the_way_of_the_one_it_copied() -> None:
    two = message(2, 11, (21, "A"), (22, "B", 12), (23, "C", 12))
    three = message(3, 21, (31, "A"), (32, "B", 22), (33, "C", 23), (34, "D", 23))
    found = conversation({"A": 31, "B": 32, "C": 33, "D": 34}, ONE, two, three)
    assert texts(found, "C") == ["q1", "a12", "q2", "a23", "q3", "a33"]
    assert texts(found, "D") == ["q1", "a12", "q2", "a23", "q3", "a34"]
    assert shown(found, "D") == ["a12", "a23", "a34"]


def test_a_lane_that_wrote_nothing_has_nothing_behind_it() -> None:
    found = conversation({"A": 21, "B": 22}, ONE, TWO)
    assert texts(found, "C") == []
    assert shown(found, "C") == [None, None]


def test_a_lane_that_was_not_reached_shows_no_other_lanes_reply() -> None:
    """Its model could not be loaded for the second message; the third goes to both."""
    two = message(2, 11, (22, "B", 12))
    found = conversation({"A": 11, "B": 22}, ONE, two)
    assert shown(found, "A") == ["a11", None]
    assert newest_tip(found, ["A", "B"]) == 22
    three = message(3, 22, (31, "A", 11), (32, "B", 22))
    found = conversation({"A": 31, "B": 32}, ONE, two, three)
    assert shown(found, "A") == ["a11", None, "a31"]
    assert texts(found, "A") == ["q1", "a11", "q3", "a31"]
    assert shown(found, "B") == ["a12", "a22", "a32"]


def test_a_kept_answer_leads_back_along_its_lane() -> None:
    found = conversation({"A": 22}, ONE, TWO)
    assert texts(found, "A") == ["q1", "a12", "q2", "a22"]
    assert shown(found, "A") == ["a12", "a22"]


def test_what_follows_a_kept_answer_still_leads_back_along_its_lane() -> None:
    three = message(3, 22, (31, "A"))
    four = message(4, 31, (41, "A"), (42, "B"))
    found = conversation({"A": 41, "B": 42}, ONE, TWO, three, four)
    expected = ["q1", "a12", "q2", "a22", "q3", "a31", "q4"]
    assert texts(found, "A") == [*expected, "a41"]
    assert texts(found, "B") == [*expected, "a42"]


def test_a_regenerated_answer_is_the_one_that_counts() -> None:
    one = message(1, None, (11, "A"), (13, "A"))
    two = message(2, 13, (21, "A"))
    assert texts(conversation({"A": 13}, one), "A") == ["q1", "a13"]
    assert texts(conversation({"A": 11}, one), "A") == ["q1", "a11"]
    assert texts(conversation({"A": 21}, one, two), "A") == ["q1", "a13", "q2", "a21"]


def test_answering_again_continues_from_the_same_reply() -> None:
    found = conversation({"A": 21, "B": 22, "C": 22}, ONE, TWO)
    assert [parent_of_answer(found, 2, lane) for lane in "ABC"] == [11, 12, 12]
    assert [parent_of_answer(found, 1, lane) for lane in "ABC"] == [None, None, None]


def test_a_message_that_a_lane_missed_continues_from_its_last_reply() -> None:
    found = conversation({"A": 21, "B": 12}, ONE, message(2, 11, (21, "A")))
    assert parent_of_answer(found, 2, "B") == 12
    assert parent_of_answer(found, 2, "D") is None


def test_another_branch_is_left_out() -> None:
    other = message(3, 11, (31, "A"))
    found = conversation({"A": 31}, ONE, TWO, other)
    assert texts(found, "A") == ["q1", "a11", "q3", "a31"]


def test_a_message_that_was_never_answered_is_shown_last_and_is_no_turn() -> None:
    refused = message(3, 21)
    for tips in ({}, {"A": 21, "B": 22}):
        found = conversation(tips, ONE, TWO, refused)
        assert ids(path_to(found, tips)) == [1, 2, 3]
        assert texts(found, "A") == ["q1", "a11", "q2", "a21"]
        assert shown(found, "A") == ["a11", "a21", None]
    four = message(4, 21, (41, "A"))
    found = conversation({"A": 41}, ONE, TWO, refused, four)
    assert ids(path_to(found, found.tips)) == [1, 2, 4]


def test_an_empty_conversation_has_no_way() -> None:
    assert path_to(conversation({}), {}) == ()
    assert newest_tip(conversation({}), ["A"]) is None


def test_tips_that_lead_nowhere_end_at_the_newest_message() -> None:
    found = conversation({"A": 999}, ONE, TWO)
    assert ids(path_to(found, found.tips)) == [1, 2]
    assert continues_from(found, "A") == 21


def test_reasoning_returns_only_where_it_is_wanted_and_the_system_prompt_leads() -> None:
    found = conversation({}, ONE)
    without = messages_to(found, 11, system_prompt="be kind")
    assert [m.role for m in without] == ["system", "user", "assistant"]
    assert without[-1].reasoning is None
    assert messages_to(found, 11, keep_reasoning=True)[-1].reasoning == "r11"
    assert messages_to(found, 11, system_prompt="  ")[0].role == "user"


@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(0, 40),
            st.lists(
                st.tuples(st.sampled_from("ABCD"), st.none() | st.integers(0, 40)), max_size=4
            ),
        ),
        max_size=8,
    ),
    st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 40), max_size=4),
    st.sampled_from("ABCD"),
)
def test_any_tree_has_an_end_even_a_damaged_one(
    shape: list[tuple[int | None, list[tuple[str, int | None]]]], tips: dict[str, int], lane: str
) -> None:
    messages = []
    for number, (parent, lanes) in enumerate(shape, start=1):
        replies = [reply(number * 5 + i, number, *each) for i, each in enumerate(lanes)]
        messages.append(UserMessage(number, 1, parent, f"q{number}", 0.0, tuple(replies)))
    found = conversation(tips, *messages)
    path = path_to(found, tips)
    replies_found = lane_replies(path, found, lane)
    assert len(replies_found) == len(path)
    for entry, own in zip(path, replies_found, strict=True):
        assert own is None or own in entry.replies
    roles = [m.role for m in messages_to(found, continues_from(found, lane))]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    newest_tip(found, [lane])
    parent_of_answer(found, 1, lane)
