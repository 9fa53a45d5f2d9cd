"""Options and settings for all tests."""

import os

import hypothesis

collect_ignore = [] if os.environ.get("DMARCWATCH_CORPUS") else ["test_corpus.py"]
"""The corpus of public samples is no part of the project; its tests exist where it does."""

# A busy machine must not fail a test; the search is for wrong answers. The gate asks the same each time,
# and whoever runs the tests by hand searches on.
hypothesis.settings.register_profile(
    "dmarcwatch", deadline=None, max_examples=60, derandomize=bool(os.environ.get("CI"))
)
hypothesis.settings.load_profile("dmarcwatch")


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="write what is read now as the expected values"
    )
