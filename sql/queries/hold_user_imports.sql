-- Waits until no other import of the tenant's users is under way; passes with the transaction. Two that name the same
-- users in another order would wait for each other's rows.
select pg_advisory_xact_lock(hashtextextended('users ' || (%(tenant_id)s)::uuid::text, 0))::text as held
