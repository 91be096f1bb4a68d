-- Makes the weekly partitions up to four weeks from now; answers how many tables it made.
select make_partitions(now(), now() + interval '28 days') as made
