"""Everything that runs and owns state: one writer for every fact."""
