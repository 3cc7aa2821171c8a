"""A detail that the bindings show is compared as it is, unless it says otherwise."""

from __future__ import annotations

from watchman_cli.ecflow_client.details.base import Detail


def test_detail_is_verified_only_with_a_method() -> None:
    detail = Detail("try_no", "tries", int, "SubmittableMemento", len)
    assert detail.method is None
    assert [detail.read_method(value) for value in (3, 0, "", "late")] == [3, None, None, "late"]
