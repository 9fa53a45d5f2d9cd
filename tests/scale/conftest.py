"""Fixtures of this folder: ninety invented days, and the collectors' real S3 server."""

import pytest

from dmarcwatch import demo
from tests.collectors.stores import seaweedfs
from tests.scale.build import NOW

__all__ = ["seaweedfs"]


@pytest.fixture(scope="session")
def ninety_days(tmp_path_factory):
    """The demo's reports in a folder."""
    folder = tmp_path_factory.mktemp("demo") / "reports"
    demo.write(folder, NOW.date())
    return folder
