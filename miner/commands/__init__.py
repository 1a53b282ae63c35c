"""What the `miner` command does, one module per subject; the only place in `miner` that may import actors."""
