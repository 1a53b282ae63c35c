"""The tables, one file per noun; import them from `miner.models`, which loads them all."""
