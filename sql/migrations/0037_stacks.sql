-- What a stack of files keeps is read from the audit log: the last entry of each stack has its rows.

-- squawk-ignore require-concurrent-index-creation
create index audit_log_of_stacks on audit_log (chain, subject_id, number desc) where subject_type = 'stack';
