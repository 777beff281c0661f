"""The command line, one command group a file; what is slow to import is loaded when needed."""
