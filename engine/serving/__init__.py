"""The engine in a process of its own, and its callers in others.

`supervisor` starts the process and starts it again when it dies, `process` is what runs in it,
`client` is the engine as its callers see it, `wire` is what goes between them. HTTP, tokenising and
JSON of the callers never hold up a step of the network; callers can be several processes. Only
`process` imports a tensor library.
"""
