-- The id of this installation.
select i.id from installation as i
