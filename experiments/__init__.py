"""Scripts, one claim each; `python -m experiments.NAME` computes and draws it."""
