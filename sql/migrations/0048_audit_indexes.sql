-- What became of one thing, and what one person did, without a walk through the tenant's whole chain.

-- squawk-ignore require-concurrent-index-creation
create index audit_log_of_subject on audit_log (chain, subject_id, number desc);
-- squawk-ignore require-concurrent-index-creation
create index audit_log_of_person on audit_log (chain, who, number desc);
