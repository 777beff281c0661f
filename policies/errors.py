"""Errors of the policy package.

PolicyError
├── BundleError     a bundle is missing, unreadable, invalid or not the one recorded
└── FactsError      the facts of a query are malformed
"""


class PolicyError(Exception):
    """Root of the policy package's errors."""

    code = "policy_error"


class BundleError(PolicyError):
    """A bundle cannot be used."""

    code = "policy_bundle_invalid"


class FactsError(PolicyError):
    """The facts handed to the evaluator are malformed: our caller's bug, and a denial."""

    code = "policy_facts_invalid"
