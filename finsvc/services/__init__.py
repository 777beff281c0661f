"""Use cases, one a file; other rooms and packages are seen as Protocols that adapters implement."""
