"""Faults of the four services of Identity Center, generated from their models."""
