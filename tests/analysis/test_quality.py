"""The verdict asks what the thresholds say, and each of them decides one check."""

from superionic.analysis.measurement import measure
from superionic.analysis.quality import judge
from superionic.documents import CheckName, Verdict, VerdictThresholds

STRICT = {
    "hops_per_ion": (1000.0, CheckName.HOPS_PER_ION),
    "relative_error": (1e-3, CheckName.RELATIVE_ERROR),
    "relative_error_by_hop_count": (1e-3, CheckName.ERROR_BY_HOP_COUNT),
    "run_per_onset": (1e6, CheckName.LINEAR_MSD),
    "memory_unseen": (0.0, CheckName.LINEAR_MSD),
    "relative_temperature": (1e-6, CheckName.MEAN_TEMPERATURE),
}


def test_every_threshold_decides_its_check_and_no_other(make_run):
    measured = measure(make_run()[0])
    assert judge(measured, VerdictThresholds()).verdict == Verdict.SUFFICIENT
    assert STRICT.keys() == VerdictThresholds.model_fields.keys()
    for name, (value, check) in STRICT.items():
        quality = judge(measured, VerdictThresholds(**{name: value}))
        assert {c.name for c in quality.checks if not c.passed} == {check}, name
        assert quality.verdict == Verdict.INSUFFICIENT


def test_without_a_host_and_energies_nothing_is_said_of_sites_and_settling(make_run):
    names = [check.name for check in judge(measure(make_run(n_frames=100)[0]), VerdictThresholds()).checks]
    assert len(names) == len(set(names))
    assert not {CheckName.SITES_OF_HOST, CheckName.EQUILIBRATION, CheckName.RUN_COMPLETE} & set(names)
