-- Adds a turn of a model to what a tenant took today (UTC). Locks: that row. Index: model_usage's key.
insert into model_usage as u (tenant_id, day, turns, tokens, dollars)
values (%(tenant_id)s, (now() at time zone 'UTC')::date, 1, %(tokens)s, %(dollars)s)
on conflict (tenant_id, day) do update
    set turns = u.turns + 1, tokens = u.tokens + excluded.tokens, dollars = u.dollars + excluded.dollars
