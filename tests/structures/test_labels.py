"""Rules decide labels; wrong rules are named."""

import pytest

from superionic.errors import InputError
from superionic.structures.descriptors import Cluster, FrameworkDescriptors
from superionic.structures.labels import framework_label, summary

VALUES = summary(FrameworkDescriptors((3, 5), "odd", (Cluster(4, 2), Cluster(2, 0))), n_displaced=2)


def test_summary_speaks_of_the_largest_cluster():
    assert VALUES == {"displaced": 2, "parity": "odd", "n_clusters": 2, "largest_cluster": 4, "stacked": 2}
    alone = summary(FrameworkDescriptors(None, None, ()), 0)
    assert (alone["largest_cluster"], alone["stacked"], alone["parity"]) == (1, 0, None)


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"parity": "odd"}, True),
        ({"parity": "even"}, False),
        ({"parity": "odd", "stacked": 3}, False),
        ({"displaced": {"min": 2}}, True),
        ({"displaced": {"max": 1}}, False),
        ({"displaced": {"min": 2, "max": 2}}, True),
        ({"parity": {"min": 1}}, False),
    ],
)
def test_first_rule_that_holds_decides(when, holds):
    rules = {"rules": [{"label": "first", "when": when}, {"label": "second", "when": {}}]}
    assert framework_label(rules, VALUES) == ("first" if holds else "second")


def test_without_a_rule_there_is_a_default():
    assert framework_label({}, VALUES) == "framework"
    assert framework_label({"otherwise": "X"}, VALUES) == "X"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"rules": [{"label": "A", "when": {"colour": "red"}}]}, "colour"),
        ({"rules": [{"label": "A"}]}, "when"),
        ({"ruels": []}, "ruels"),
    ],
)
def test_wrong_rules_are_named(block, message):
    with pytest.raises(InputError, match=message):
        framework_label(block, VALUES)
