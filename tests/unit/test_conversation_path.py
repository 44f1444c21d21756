"""The way through a conversation's tree: which replies a lane has behind it."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from qwqdesk.conversation import Conversation, Reply, UserMessage
from qwqdesk.conversation_path import lane_messages, lane_replies, path_to, reply_of_lane


def reply(number: int, message: int, lane: str) -> Reply:
    return Reply(number, message, lane, answer=f"a{number}", reasoning=f"r{number}")


def message(number: int, parent: int | None, *replies: tuple[int, str]) -> UserMessage:
    made = tuple(reply(identity, number, lane) for identity, lane in replies)
    return UserMessage(number, 1, parent, f"q{number}", 0.0, made)


def conversation(tips: Mapping[str, int], *messages: UserMessage) -> Conversation:
    return Conversation(1, "", 0.0, 0.0, "", (), tips, messages)


# Two lanes, two turns.
ONE = message(1, None, (11, "A"), (12, "B"))
TWO = message(2, 11, (21, "A"), (22, "B"))


def ids(path: tuple[UserMessage, ...]) -> list[int]:
    return [entry.id for entry in path]


def texts(found: Conversation, lane: str) -> list[str]:
    path = path_to(found, found.tips)
    return [m.content for m in lane_messages(path, lane, found.tips)]


def test_the_path_ends_at_the_tip() -> None:
    found = conversation({"A": 21, "B": 22}, ONE, TWO)
    assert ids(path_to(found, found.tips)) == [1, 2]
    assert ids(path_to(found, {"A": 11})) == [1]


def test_each_lane_has_its_own_replies() -> None:
    found = conversation({"A": 21, "B": 22}, ONE, TWO)
    assert texts(found, "A") == ["q1", "a11", "q2", "a21"]
    assert texts(found, "B") == ["q1", "a12", "q2", "a22"]


def test_a_new_lane_continues_the_first_one() -> None:
    found = conversation({"A": 21, "B": 22}, ONE, TWO)
    assert texts(found, "C") == ["q1", "a11", "q2", "a21"]


def test_a_kept_answer_leads_back_along_its_lane() -> None:
    found = conversation({"A": 22}, ONE, TWO)
    assert texts(found, "A") == ["q1", "a12", "q2", "a22"]


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


def test_another_branch_is_left_out() -> None:
    other = message(3, 11, (31, "A"))
    found = conversation({"A": 31}, ONE, TWO, other)
    assert texts(found, "A") == ["q1", "a11", "q3", "a31"]


def test_a_message_that_was_never_answered_is_no_turn() -> None:
    refused = message(3, 21)
    found = conversation({}, ONE, TWO, refused)
    assert ids(path_to(found, {})) == [1, 2, 3]
    assert texts(found, "A") == ["q1", "a11", "q2", "a21"]


def test_an_empty_conversation_has_no_way() -> None:
    assert path_to(conversation({}), {}) == ()


def test_tips_that_lead_nowhere_end_at_the_newest_message() -> None:
    found = conversation({"A": 999}, ONE, TWO)
    assert ids(path_to(found, found.tips)) == [1, 2]


def test_reasoning_returns_only_where_it_is_wanted_and_the_system_prompt_leads() -> None:
    path = (ONE,)
    without = lane_messages(path, "A", {}, system_prompt="be kind")
    assert [m.role for m in without] == ["system", "user", "assistant"]
    assert without[-1].reasoning is None
    assert lane_messages(path, "A", {}, keep_reasoning=True)[-1].reasoning == "r11"
    assert lane_messages(path, "A", {}, system_prompt="  ")[0].role == "user"


def test_the_reply_of_a_lane_is_its_tip_its_newest_or_the_first() -> None:
    several = message(1, None, (11, "A"), (12, "B"), (13, "A"))
    assert [getattr(reply_of_lane(several, lane, {"A": 11}), "id", 0) for lane in "ABC"] == [
        11,
        12,
        11,
    ]
    assert getattr(reply_of_lane(several, "A", {}), "id", 0) == 13
    assert reply_of_lane(message(2, None), "A", {}) is None


@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 40), st.lists(st.sampled_from("ABCD"), max_size=4)),
        max_size=8,
    ),
    st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 40), max_size=4),
    st.sampled_from("ABCD"),
)
def test_any_tree_has_an_end_even_a_damaged_one(
    shape: list[tuple[int | None, list[str]]], tips: dict[str, int], lane: str
) -> None:
    messages = []
    for number, (parent, lanes) in enumerate(shape, start=1):
        replies = [(number * 5 + i, label) for i, label in enumerate(lanes)]
        messages.append(message(number, parent, *replies))
    found = conversation(tips, *messages)
    path = path_to(found, tips)
    replies_found = lane_replies(path, lane, tips)
    assert len(replies_found) == len(path)
    for entry, own in zip(path, replies_found, strict=True):
        assert own is None or own in entry.replies
    roles = [m.role for m in lane_messages(path, lane, tips)]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
