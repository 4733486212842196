"""Requests become pools; wrong ones become one clear sentence."""

import pytest

from superionic.errors import InputError
from superionic.structures.frameworks import Move, n_displaced, pools_from_moves, pools_from_occupancies


def test_moves_are_read_and_written():
    move = Move.parse("In:2b:4g,4h:2")
    assert move == Move("In", ("2b",), ("4g", "4h"), 2)
    assert Move.parse(str(move)) == move
    assert Move.from_dict(move.as_dict()) == move


@pytest.mark.parametrize("text", ["In:2b:4g", "In:2b:4g:x", "in:2b:4g:1", "In:2b:4g:0", "In:2b:2b:1"])
def test_malformed_moves_are_refused(text):
    with pytest.raises(InputError, match="move"):
        Move.parse(text)


def test_pools_hold_what_is_left_and_what_has_come(cell_212):
    pools = {len(pool.sites): dict(pool.counts) for pool in pools_from_moves(cell_212, [Move.parse("In:2b:4g:3")])}
    assert pools == {8: {"In": 5}, 16: {"In": 3}}
    both = pools_from_moves(cell_212, [Move.parse("In:2b:4g:1"), Move.parse("In:2b:2c:2")])
    assert sorted((len(p.sites), p.counts["In"]) for p in both) == [(8, 2), (8, 5), (16, 1)]


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        (["In:2b:9z:1"], "9z"),
        (["In:4h:4g:1"], "no In on"),
        (["In:2b:4g:9"], "not 9 In"),
        (["In:2b:8j:1"], "8j.*takes only"),
        (["In:2b:Cl4i:1"], "takes only"),
        (["In:2b:4g:1", "In:2b:4g,4h:1"], "both in"),
    ],
)
def test_moves_that_do_not_fit_are_refused(cell_212, moves, message):
    with pytest.raises(InputError, match=message):
        pools_from_moves(cell_212, [Move.parse(move) for move in moves])


def test_occupancies_need_a_tolerance_and_name_the_nearest(cell_212):
    with pytest.raises(InputError, match=r"0.89 x 8 sites = 7.12 ions, nearest 0.8750.*0.05 x 16.*nearest 0.0625"):
        pools_from_occupancies(cell_212)
    pools, compared = pools_from_occupancies(cell_212, tolerance=0.02)
    assert [dict(pool.counts) for pool in pools] == [{"In": 7}, {"In": 1}]
    assert compared == {"2b": {"In": (0.89, 0.875)}, "4g": {"In": (0.05, 0.0625)}}


def test_displaced_ions_are_counted(cell_212):
    species = ["In" if label in {"2b", "2c"} else "" for label in cell_212.labels]
    assert n_displaced(cell_212, species) == 8
