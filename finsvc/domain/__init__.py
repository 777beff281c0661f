"""Frozen value types shared by every room of the service; imports nothing of the service."""
