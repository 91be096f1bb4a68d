-- One row a process and boot; its lease begins.
insert into processes (id, role, host, pid, version, queues, threads, leased_until)
values (
    %(id)s, %(role)s, %(host)s, %(pid)s, %(version)s, %(queues)s, %(threads)s,
    now() + make_interval(secs => %(lease_seconds)s)
)
