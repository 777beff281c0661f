"""The harmony conversation format of gpt-oss: messages, their rendering and their parsing.

Owns the wire format between messages and token ids. Control tokens are ids, never text: a control
spelling in a user's message stays plain text, and no parsed field ever holds one.
Source: docs/format.md of openai/harmony 0.0.8.
"""
