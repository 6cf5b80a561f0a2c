"""What a person does, one module a verb.

In: a connection, who asks, what is asked. Out: what became of it. Each appends an input (an edit, a
decision about two records), folds what depends on it, and notes who did it, in one transaction that
the caller opens. Not here: HTTP, the command line, Dagster, and how a fold or a match is made.
"""
