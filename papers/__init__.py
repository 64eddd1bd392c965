"""Published figures and numbers, each by one command: `python -m papers` lists the papers.

A paper is a folder whose script states TITLE, SIZES, `compute`, `numbers` and `figures` (see papers.paper).
"""
