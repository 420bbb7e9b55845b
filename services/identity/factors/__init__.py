"""What a person proves who they are with beside the password (ID10): codes by time, passkeys, recovery codes."""
