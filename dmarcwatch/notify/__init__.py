"""Telling people on the channels they already use: alerts after each `fetch`, and digests."""
