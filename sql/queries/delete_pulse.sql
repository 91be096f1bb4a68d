-- Deletes the config of a pulse; its schedule is stopped by the caller, and its runs stay. Index: pulse_configs' key.
delete from pulse_configs as p where p.tenant_id = %(tenant_id)s and p.schedule_id = %(id)s
