"""The fuzz with few payloads. What `python -m tests.long fuzz` sends takes minutes."""

import pytest

from tests.long import fuzz


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_2000_hostile_payloads_get_one_answer_each_and_leave_no_error_in_the_log():
    report = fuzz.measure(2000, first_seed=1)

    assert report.problems == []
    assert report.sent == 2000
    assert len(report.kinds) > 60  # the templates are there
    assert report.statuses[200] > 1800
