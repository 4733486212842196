"""A validation as a figure: what is known of each potential, and which runs are not compared."""

import numpy as np
import pytest
from matplotlib.image import imread

from comparable import POOR, group, identity_of
from superionic.documents import PotentialReference, Provenance
from superionic.documents.validation import ValidationRequest, ValidationSubject
from superionic.documents.validation_thresholds import ValidationThresholds
from superionic.errors import InputError
from superionic.plots.validation import plot_validation
from superionic.validation.evidence import Evidence
from superionic.validation.judgement import validation

POTENTIAL = PotentialReference(family="CHGNet", model="x")


@pytest.fixture
def document():
    evidences = []
    for seed, name in enumerate(("reference", "tuned", "pretrained")):
        _, runs = group(identity_of(), np.random.default_rng(seed), qualities={700.0: POOR})
        evidences.append(Evidence(ValidationSubject(name=name, potential=POTENTIAL), runs))
    request = ValidationRequest(
        thresholds=ValidationThresholds(), reference=evidences[0].subject,
        candidates=[evidence.subject for evidence in evidences[1:]], provenance=Provenance(),
    )  # fmt: skip
    return validation(request, evidences[0], evidences[1:], Provenance())


def test_the_figure_is_drawn(document, tmp_path):
    file = plot_validation(document, tmp_path / "new" / "validation.png")
    assert imread(file).std() > 0.05


def test_an_ordering_that_is_not_in_it_is_refused(document, tmp_path):
    with pytest.raises(InputError, match="label = 'HE5' is none of the orderings"):
        plot_validation(document, tmp_path / "x.png", label="HE5")
