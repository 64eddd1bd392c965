"""The best fixed decision in hindsight: rows kept, a convex sum minimised, and the interval that proves it."""
