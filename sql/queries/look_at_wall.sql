-- Whether the role of the second wall is there and may be taken.
select count(*) > 0 as is_walled from pg_roles as r
where r.rolname = 'tocsin_api' and pg_has_role(r.oid, 'member')
