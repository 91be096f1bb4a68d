-- Drops shared answers whose minute is over; a question may be asked for longer. Index: source_answers_by_age.
delete from source_answers as a
where a.minute < now() - interval '2 minutes' and (a.state <> 'asking' or a.expires_at < now())
