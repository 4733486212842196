"""Checks that others can run on what they add; needs no test runner."""
