-- Says when a token was last used, to the minute; one that another request is touching is left. Index: api_tokens' key.
update api_tokens as k set last_used_at = now()
where k.id = (select t.id from api_tokens as t where t.id = %(id)s for update skip locked)
