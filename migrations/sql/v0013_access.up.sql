-- Names are not unique: two users may be called Ada, and a token is called what its maker likes.
ALTER TABLE audit_log ADD COLUMN actor_id TEXT;
