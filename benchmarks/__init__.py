"""Comparisons with named peers: the same answer first, then the time. Never part of the tests."""
