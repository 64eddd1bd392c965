"""One claim a script: its docstring is the caption; `python -m experiments` lists them and runs them.

A script has SMALL and FULL, its parameters by size, and main(folder, size), which computes (only what the folder does
not hold), writes NAME.pdf and NAME.png there and returns its numbers as text.
"""
