"""Options and settings for all tests."""

import os

import hypothesis

CORPUS = os.environ.get("DMARCWATCH_CORPUS")
"""The folder of public samples, which is no part of the project; tests that need it exist where it does."""
collect_ignore = [] if CORPUS else ["test_corpus.py"]

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


def pytest_collection_modifyitems(config, items):
    """Leave out what needs the corpus where it is not: a skip that is always there hides the others."""
    if not CORPUS:
        left = [item for item in items if item.get_closest_marker("corpus")]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)
