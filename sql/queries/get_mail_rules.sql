-- What a tenant says of its mail; null and empty where it says nothing. Index: tenants' key.
select
    t.settings ->> 'sender' as sender, t.settings ->> 'replyTo' as reply_to,
    array(select jsonb_array_elements_text(coalesce(t.settings -> 'recipientDomains', '[]'))) as recipient_domains
from tenants as t
where t.id = %(tenant_id)s
