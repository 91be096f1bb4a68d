-- Whether any token is good now. Reads api_tokens until it finds one.
select exists(
    select from api_tokens as k
    where k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
) as is_there
