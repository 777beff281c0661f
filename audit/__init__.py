"""The tamper-evident decision log: records, Merkle tree, receipts, verification and replay."""
