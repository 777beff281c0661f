"""Compliance reports: tables of calculator results in files that people file and auditors reread."""
