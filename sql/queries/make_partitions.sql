-- Makes the weekly partitions of a span; answers how many tables it made.
select make_partitions(%(first_at)s, %(last_at)s) as made
