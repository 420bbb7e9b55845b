"""The mails of identity: what causes them, what they say, and what operators see of those that never arrived."""
