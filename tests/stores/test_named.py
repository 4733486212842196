"""What a user names in a store is one thing, the newest of its name, or refused."""

import pytest

from superionic.errors import InputError
from superionic.stores.named import output_meant

OLD, NEW, OTHER = (
    {"uuid": uuid, "output": {"name": name, "version": version}}
    for uuid, name, version in (("1", "salt", "aaaa11"), ("2", "salt", "aaaa22"), ("3", "glass", "bbbb33"))
)


def meant(text, *entries):
    return output_meant(list(entries), text, lambda entry: (entry["output"]["version"],), "dataset", "a version")


def test_a_name_is_the_newest_of_that_name():
    assert meant("salt", OLD, NEW, OTHER) is NEW


def test_an_id_is_told_by_its_first_letters():
    assert meant("aaaa1", OLD, NEW, OTHER) is OLD
    assert meant("bbbb", OLD, NEW, OTHER) is OTHER


def test_the_same_thing_stored_twice_is_one():
    again = {**OTHER, "uuid": "4"}
    assert meant("bbbb33", OTHER, again) is again


@pytest.mark.parametrize(
    ("text", "words"), [("aaaa", "2 datasets are"), ("bbb", "no dataset is"), ("cccc", "no dataset is"), ("", "no dat")]
)
def test_what_is_none_or_several_is_refused(text, words):
    with pytest.raises(InputError, match=words):
        meant(text, OLD, NEW, OTHER)
