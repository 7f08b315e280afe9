//! openclaw.json: its text, its meaning, its places; edits one value and keeps every other byte
