"""Calibrations of models that ship with the service, by name."""
