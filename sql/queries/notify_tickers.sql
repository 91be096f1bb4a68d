-- Wakes the tickers that listen; sent once a change, never once a row.
select pg_notify('tocsin', '') is null as value
