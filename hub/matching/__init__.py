"""Who is who: keys, weights and clusters.

In: canonical values, edges, decisions of people. Out: keys to store, judgements that explain
themselves, clusters. Everything here is a pure function of its arguments and of
the versioned model beside it (`*.yaml`); what reads or writes the database lives elsewhere.
"""
