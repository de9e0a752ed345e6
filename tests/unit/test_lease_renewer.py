"""Leases are renewed for as long as the work takes, whatever one renewal came to."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot.errors import StorageUnavailable
from bot.watch import lease_renewer
from bot.watch.lease_renewer import LeaseRenewer
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Row:
    id: str
    lease: str | None


@pytest.mark.parametrize("error", [StorageUnavailable(), ValueError()], ids=lambda error: type(error).__name__)
async def test_a_renewal_that_fails_is_logged_and_the_next_one_follows(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(lease_renewer, "RENEW_INTERVAL", 0.01)
    renewals: list[list[Row]] = []

    async def renew(rows: list[Row], _seconds: float) -> None:
        renewals.append(rows)
        if len(renewals) == 1:
            raise error

    renewer = LeaseRenewer(renew)
    renewer.hold([Row("row", "lease")])

    async with renewer.renew_in_background():
        await eventually(lambda: len(renewals) > 1)

    assert [line.getMessage() for line in caplog.records if line.name == "ots.leases"] == ["renewal_failed"]
