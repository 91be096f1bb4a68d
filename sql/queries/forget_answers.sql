-- Drops the answers of more than a day ago, some at a time. Index: idempotent_answers_by_age.
delete from idempotent_answers as a
where (a.who, a.key) in (
    select o.who, o.key from idempotent_answers as o
    where o.created_at < now() - interval '1 day'
    order by o.created_at
    limit 1000
)
