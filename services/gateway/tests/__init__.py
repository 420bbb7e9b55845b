"""Tests of the gateway's REST half."""
