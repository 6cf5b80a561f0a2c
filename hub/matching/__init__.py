"""Who is who: keys, weights, clusters, and the fold of many records into one.

In: canonical values, edges, decisions of people. Out: keys to store, judgements that explain
themselves, clusters, golden records. Everything here is a pure function of its arguments and of
the versioned model beside it (`*.yaml`); what reads or writes the database lives elsewhere.
"""
