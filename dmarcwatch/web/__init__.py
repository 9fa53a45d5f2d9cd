"""The Datasette plugin: pages on domains, streams, reporters and what came in."""
