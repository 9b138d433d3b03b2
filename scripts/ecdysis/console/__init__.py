"""Short messages on the console while a run goes on; Snakemake's log keeps everything."""

SHORT = "ECDYSIS_CONSOLE"
"""Environment variable of a run with this console, which reports the failures of its jobs."""
