-- Ends an attempt to deliver; no row: the fence has moved on and somebody else decides.
-- unknown counts as such, and is tried again only where the policy is resend; one that only waited for another was no
-- attempt. Index: deliveries' key.
update deliveries as d
set
    attempts = d.attempts - %(is_waiting)s::boolean::integer,
    written_fence = d.fence, leased_by = null, deadline_at = null, error = nullif(%(error)s, ''),
    provider_message_id = nullif(%(provider_message_id)s, ''),
    unknown_count = d.unknown_count + (%(state)s = 'unknown')::integer,
    sent_at = case when %(state)s = 'sent' then now() end,
    state = case
        when %(state)s = 'pending' and d.attempts >= d.max_attempts and not %(is_waiting)s::boolean then 'failed'
        when %(state)s = 'unknown' and d.unknown_policy = 'resend' and d.attempts < d.max_attempts then 'pending'
        else %(state)s
    end,
    available_at = now() + make_interval(
        secs => case
            when %(is_waiting)s::boolean then coalesce(%(retry_after)s::float8, 0)
            else greatest(random() * least(3600, 5 * 2 ^ (d.attempts - 1)), %(retry_after)s::float8)
        end
    )
where d.id = %(id)s and d.slot_at = %(slot_at)s and d.fence = %(fence)s and d.state = 'sending'
returning d.state as value
