-- Every delivery as it stands, with the hash of its bytes. Reads the whole tables, for the judge of a finished run.
select
    d.id::text as delivery, (extract(epoch from d.slot_at) * 1000)::bigint as slot,
    d.run_id::text as run, d.tenant_id::text as tenant, d.channel, d.recipient, d.state, d.fence, d.attempts,
    d.max_attempts, d.unknown_count, b.message_id as message,
    encode(sha256(rtrim(b.content, '\x0d0a'::bytea)), 'hex') as sha
from deliveries as d
inner join delivery_bodies as b on d.run_id = b.run_id and d.body_number = b.number and d.slot_at = b.slot_at
order by d.slot_at, d.id
