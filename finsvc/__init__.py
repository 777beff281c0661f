"""finsvc: checked, signed and replayable answers for regulated finance."""
