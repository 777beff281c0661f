"""The only files that touch the engine, the audit log, the policies, the clock and identities."""
