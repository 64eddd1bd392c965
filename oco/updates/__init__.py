"""The ways to apply a learner's update, one interface for the compiled loops.

Everything here is plain Python that also runs uncompiled. A learner with a `rule` is held by ByRule, one with `update`
by Whole, and where the game's penalty reaches the learner as a part of the gradient either is held by WithPenalty;
`applied` says which. Few is ByRule for very many rounds of a handful of coordinates.
The state of a rule is one array w (d, 1 + k): column 0 is x, the others what each coordinate remembers. It is
in Fortran order for dense rounds (columns apart, SIMD over coordinates) and in C order for sparse ones (a
coordinate's numbers side by side, one cache line a feature).
"""
