"""The command line: Typer commands over the rooms below, Rich for people, `--json` for programs.

Exit codes: 0 done; 1 ran and failed; 2 the operator must act; 3 done with new quarantine rows;
130 interrupted. Heavy imports stay inside the commands.
"""
