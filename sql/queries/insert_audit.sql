-- Adds an entry to the end of its chain; a trigger gives its number, its instant and its hash.
-- Locks: the chain's head until the end of the transaction. Index: audit_heads' key.
insert into audit_log (
    chain, number, tenant_id, at, who, action, subject_type, subject_id, before, after, address, request_id,
    previous, hash
)
values (
    '00000000-0000-0000-0000-000000000000', 0, %(tenant_id)s, now(), %(who)s, %(action)s, %(subject_type)s,
    %(subject_id)s, %(before)s, %(after)s, %(address)s, %(request_id)s, '', ''
)
