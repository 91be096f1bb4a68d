-- Waits until no other request with this key is under way; passes with the transaction.
select pg_advisory_xact_lock(hashtextextended(%(who)s || ' ' || %(key)s, 0))::text as waited
