-- Where a tenant's texts may lead, what it may take of models, and what it took today (UTC); null is no limit.
-- Index: tenants' and model_usage's keys.
select
    array(select jsonb_array_elements_text(coalesce(t.settings -> 'linkOrigins', '[]'))) as link_origins,
    (t.settings #>> '{quotas,aiDailyTokens}')::bigint as daily_tokens,
    (t.settings #>> '{quotas,aiDailyCost}')::numeric as daily_cost,
    (t.settings #>> '{quotas,aiRunTokens}')::bigint as run_tokens,
    (t.settings #>> '{quotas,aiRunCost}')::numeric as run_cost,
    coalesce(u.tokens, 0) as tokens_today, coalesce(u.dollars, 0) as cost_today
from tenants as t
left join model_usage as u on t.id = u.tenant_id and u.day = (now() at time zone 'UTC')::date
where t.id = %(tenant_id)s
