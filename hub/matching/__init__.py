"""Matching: which records are one person; keys, weights and clusters.

In: canonical values, edges, decisions of people. Out: keys to store, judgements with their reasons,
clusters. All functions are pure, given the versioned model (`*.yaml`) in this room. Not here:
the database.
"""
