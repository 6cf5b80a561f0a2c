"""Which records are one person: merge, unmerge, review, duplicates, explain, consent."""
