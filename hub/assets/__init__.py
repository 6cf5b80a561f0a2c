"""The only room with Dagster: assets, checks, jobs and schedules over the seven stages.

A body calls one stage and turns its counts into metadata. Metadata holds counts, rates and
ranges, never a personal value. Does not belong here: SQL, HTTP, decisions.
"""
