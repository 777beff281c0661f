"""Compliance reports: calculator results in files that people file and auditors reread."""
