"""What a user does, one module for each verb.

In: a connection, the actor, the wish. Out: the result. Each action appends an input (an edit, a
decision about two records). It folds what depends on it and notes the actor, in one transaction
that the caller opens. Not here: HTTP, the command line, Dagster, and how a fold or a match is made.
"""
