"""A collection of a class's digits: nothing lost, nothing doubled, whatever happens to its file or its process."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.collection.hands import drawing, fill, list_collections, sketch
from vgg_demo.collection import store
from vgg_demo.collection.contents import Contents, parse_collection
from vgg_demo.collection.drawing import make_drawing
from vgg_demo.collection.store import (
    Collection,
    copy_collection,
    get_collection,
    next_digit,
    open_collection,
)
from vgg_demo.errors import BlankImageError, CollectionError, StorageError


@pytest.fixture
def collection(home: Path) -> Collection:
    """An open one."""
    return open_collection("3b")


def ids(collection: Collection) -> list[str]:
    return list(collection.contents().drawings)


def test_drawing_sent_twice_is_kept_once_and_read_back_as_it_was(collection: Collection) -> None:
    seven = drawing(7, 1001)
    collection.add(seven)

    collection.add(replace(seven, digit=1))

    contents = get_collection(collection.id).contents()
    assert list(contents.drawings.values()) == [seven]
    assert (contents.title, contents.is_open) == ("3b", True)
    assert parse_collection(collection.path.read_bytes()).drawings == contents.drawings


def test_drawing_left_out_is_used_no_more_until_it_is_taken_in_again(collection: Collection) -> None:
    one, two = drawing(1, 1001), drawing(2, 1001)
    collection.add(one)
    collection.add(two)

    collection.leave_out([one.id])
    assert collection.contents().used == [two]
    assert list(collection.contents().drawings) == [one.id, two.id]
    collection.leave_out(["0123456789abcdef"])  # nobody's
    collection.leave_out([one.id], is_out=False)

    assert collection.contents().used == [one, two]


def test_all_drawings_of_a_hand_are_left_out_and_taken_in_together_or_not_at_all(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(collection, hands=2)
    of_hand = [drawing.id for drawing in collection.contents().of_hand(1001)]
    collection.leave_out(of_hand[:1])

    collection.leave_out(of_hand)
    assert {drawing.hand for drawing in collection.contents().used} == {1002}
    size = collection.path.stat().st_size
    collection.leave_out(of_hand)  # a second click
    assert collection.path.stat().st_size == size
    monkeypatch.setattr(store, "MOST_DRAWINGS", 19)
    with pytest.raises(CollectionError, match="full: it has 19 drawings"):
        collection.leave_out(of_hand, is_out=False)
    assert len(collection.contents().used) == 10
    monkeypatch.setattr(store, "MOST_DRAWINGS", 20)
    collection.leave_out(of_hand, is_out=False)

    assert (len(collection.contents().used), collection.contents().left_out) == (20, frozenset())


def test_class_that_draws_what_it_is_asked_has_each_digit_equally_often_all_the_time(collection: Collection) -> None:
    chance, hands = random.Random(1), list(range(1001, 1006))
    asked: Counter[tuple[int, int]] = Counter()
    while hands:
        hand = chance.choice(hands)
        digit = next_digit(collection.contents(), hand)
        if digit is None:
            hands.remove(hand)
            continue
        asked[hand, digit] += 1
        collection.add(replace(drawing(1, hand), digit=digit))
        if asked.total() == 37:
            hands.remove(hand)  # leaves in the middle
        counts = [collection.contents().counts[d] for d in range(10)]
        if asked.total() <= 30:  # later some have only a few digits left
            assert max(counts) - min(counts) <= 1

    assert max(asked.values()) == 2
    finished = [hand for hand in range(1001, 1006) if sum(asked[hand, d] for d in range(10)) == 20]
    assert len(finished) >= 4


def test_hands_that_begin_at_the_same_time_are_asked_for_different_digits(collection: Collection) -> None:
    assert len({next_digit(collection.contents(), hand) for hand in range(1000, 1030)}) >= 8


def test_limits_are_refused_in_a_sentence_each(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_OF_A_HAND", 2)
    monkeypatch.setattr(store, "MOST_DRAWINGS", 3)
    monkeypatch.setattr(store, "MOST_COLLECTIONS", 2)
    collection.add(drawing(1, 1001))
    collection.add(drawing(2, 1001))

    with pytest.raises(CollectionError, match="you have drawn all your 2 digits"):
        collection.add(drawing(3, 1001))
    collection.add(drawing(3, 1002))
    with pytest.raises(CollectionError, match="full: it has 3 drawings"):
        collection.add(drawing(4, 1002))
    first = ids(collection)[0]
    collection.leave_out([first])
    collection.add(drawing(4, 1002))  # what is left out takes no place
    with pytest.raises(CollectionError, match="full: it has 3 drawings"):
        collection.leave_out([first], is_out=False)
    collection.set_open(False)
    with pytest.raises(CollectionError, match="is closed"):
        collection.add(drawing(4, 1002))
    other = open_collection("another")
    with pytest.raises(CollectionError, match="there are 2 collections"):
        open_collection("a third")
    monkeypatch.setattr(store, "MOST_BYTES", 3_000)
    with pytest.raises(CollectionError, match="which is the limit"):
        other.add(drawing(4, 1002))
    for title in ("", " ", "x" * 41, "a\x00b"):
        with pytest.raises(CollectionError, match="1 to 40 characters"):
            open_collection(title)

    assert (len(ids(collection)), len(ids(other))) == (4, 0)


def test_two_collections_at_once_get_each_what_is_meant_for_them(collection: Collection) -> None:
    other = open_collection("the other half")

    def draw(target: Collection, hand: int) -> None:
        for digit in range(10):
            target.add(drawing(digit, hand))

    hands = [(target, hand) for hand in (1001, 1002) for target in (collection, other)]
    threads = [threading.Thread(target=draw, args=each) for each in hands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for found in list_collections():
        assert Counter(d.digit for d in found.contents().used) == dict.fromkeys(range(10), 2)
        assert (found.contents().hands, found.contents().damaged_lines) == ([1001, 1002], 0)


APPEND = """
import resource, signal, sys
from pathlib import Path
from tests.collection.hands import drawing
from vgg_demo.collection.store import get_collection
from vgg_demo.errors import StorageError
collection, how = get_collection(sys.argv[1]), sys.argv[2]
signal.signal(signal.SIGXFSZ, signal.SIG_DFL if how == "kill" else signal.SIG_IGN)
size = collection.path.stat().st_size + 1_000  # in the middle of the drawing's line
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    collection.add(drawing(5, 1001))
except StorageError as error:
    print(error)
"""


@pytest.mark.parametrize("how", ["kill", "full"])
def test_append_ended_in_the_middle_of_its_line_spoils_nothing(collection: Collection, project: Path, how: str) -> None:
    before, after = drawing(1, 1001), drawing(2, 1001)
    collection.add(before)
    size = collection.path.stat().st_size

    done = subprocess.run(
        [sys.executable, "-c", APPEND, collection.id, how], cwd=project, capture_output=True, text=True, check=False
    )

    if how == "kill":
        assert done.returncode == -signal.SIGXFSZ
        assert collection.path.stat().st_size == size + 1_000  # half a line is there
    else:
        assert "cannot be written (File too large)" in done.stdout
        assert collection.path.stat().st_size == size
    assert ids(collection) == [before.id]
    collection.add(after)
    assert ids(collection) == [before.id, after.id]
    assert list(parse_collection(collection.path.read_bytes()).drawings) == [before.id, after.id]
    assert collection.contents().damaged_lines == (1 if how == "kill" else 0)


def test_folder_that_cannot_be_made_is_said_in_a_sentence(home: Path) -> None:
    (home / ".collections").write_text("in the way")

    with pytest.raises(StorageError, match=r"cannot be written \(.*\); free some space"):
        open_collection("3b")
    assert list_collections() == []


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Lines that add up to one drawing used, one left out, closed."""
    one, two = drawing(1, 1001), drawing(2, 1002)
    values = [{"event": "drawing", **one.to_dict()}, {"event": "drawing", **two.to_dict()}]
    return [json.dumps(line) for line in (*values, {"event": "left_out", "id": one.id}, {"event": "closed"})]


anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
EVENTS = ("drawing", "left_out", "restored", "closed", "reopened", "collection", "?")


@given(data=some.data())
def test_damaged_lines_are_counted_and_the_others_kept(lines: list[str], data: some.DataObject) -> None:
    event = some.sampled_from(EVENTS).map(lambda name: {"event": name, "id": "0", "digit": 3})
    damaged = data.draw(
        some.lists(some.one_of(
            anything.map(json.dumps).map(str.encode),
            event.filter(lambda values: values["event"] not in ("closed", "reopened")).map(json.dumps).map(str.encode),
            some.binary(min_size=1, max_size=30).map(lambda line: line.replace(b"\n", b"?")),
            some.integers(1, 400).map(lambda end: lines[0][:end].encode()),
            some.just(b"[" * 100_000),
        ), max_size=4)
    )  # fmt: skip
    mixed = [line.encode() for line in lines]
    for line in damaged:
        mixed.insert(data.draw(some.integers(0, len(mixed))), line)
    head = b'{"event": "collection", "title": "3b", "opened": 1}'

    contents = parse_collection(b"\n".join([head, *mixed, b'{"event": "re']))  # and half a line at the end

    assert [drawing.digit for drawing in contents.used] == [2]
    assert (len(contents.drawings), contents.is_open) == (2, False)
    assert contents.damaged_lines == len(damaged)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"PK\x03\x04", b"{}\n", b'{"event": "collection", "title": 3}\n', b"[1]\n"]
)
def test_file_that_is_no_collection_is_refused(content: bytes) -> None:
    with pytest.raises(CollectionError, match="this is no collection of digits"):
        parse_collection(content)


def test_collection_saved_deleted_and_loaded_again_is_the_same_and_closed(collection: Collection) -> None:
    fill(collection, hands=1)
    first = ids(collection)[0]
    collection.leave_out([first])
    saved, before = "".join(f"{line}\n" for line in collection.contents().to_lines()), collection.contents()
    collection.delete()
    with pytest.raises(CollectionError, match="this collection is gone"):
        collection.add(drawing(1, 1002))
    assert not collection.path.exists()

    again = copy_collection(parse_collection(saved.encode()))

    contents = again.contents()
    assert (contents.drawings, contents.left_out, contents.opened) == (before.drawings, {first}, before.opened)
    assert not contents.is_open
    assert again.id != collection.id


def test_file_that_breaks_the_rules_of_a_collection_is_refused_or_its_drawing_left_out(home: Path) -> None:
    many = replace(drawing(1, 1001), strokes=[[[1, 1]] * 600] * 2)
    head = {"event": "collection", "title": "x" * 10_000, "opened": 1}
    lines = [{"event": "drawing", **many.to_dict()}, {"event": "left_out", "id": "0" * 16}]

    def parsed(title: str) -> Contents:
        return parse_collection(
            "".join(json.dumps(line) + "\n" for line in [{**head, "title": title}, *lines]).encode()
        )

    with pytest.raises(CollectionError, match="1 to 40 characters"):
        copy_collection(parsed("x" * 10_000))
    contents = copy_collection(parsed("3b")).contents()
    assert (contents.drawings, contents.left_out, parsed("3b").damaged_lines) == ({}, frozenset(), 1)


def test_file_that_got_shorter_is_read_from_its_start(collection: Collection) -> None:
    one, two, three = drawing(1, 1001), drawing(2, 1001), drawing(3, 1001)
    collection.add(one)
    backup = collection.path.read_bytes()
    collection.add(two)
    assert ids(collection) == [one.id, two.id]

    collection.path.write_bytes(backup)

    assert ids(collection) == [one.id]
    collection.add(three)
    assert (ids(collection), collection.contents().damaged_lines) == ([one.id, three.id], 0)


def test_canvas_with_too_little_or_far_too_much_makes_no_drawing() -> None:
    dot = {"objects": [{"path": [["M", 100, 100], ["L", 102, 101]]}]}
    scribble = {"objects": [{"path": [["M", 0, 0], *(["L", 280 * (i % 2), i] for i in range(1100))]}]}

    for little in (None, {}, {"objects": []}, dot):
        with pytest.raises(BlankImageError, match="too little on the canvas"):
            make_drawing("0" * 16, 1, 1001, 0.0, little)
    crafted = {"objects": [{"path": [["M", 0, 0], *(["L", 1e9 * (-1) ** i, 0] for i in range(900))]}]}
    for much in (scribble, crafted):
        with pytest.raises(CollectionError, match="more lines than a digit has"):
            make_drawing("0" * 16, 1, 1001, 0.0, much)


def test_strokes_that_leave_the_canvas_are_kept_within_what_can_be_read_again(collection: Collection) -> None:
    far = sketch(7, random.Random(0))
    far["objects"][0]["path"].append(["L", 1e9, -1e9])

    collection.add(make_drawing("0" * 16, 7, 1001, 0.0, far))

    assert list(parse_collection(collection.path.read_bytes()).drawings) == ["0" * 16]
