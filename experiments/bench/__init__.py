"""The speed of `oco` beside its peers and the machine's limits: python -m experiments.bench (see __main__)."""
