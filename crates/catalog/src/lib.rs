//! What Qwen Cloud is: hosts, plans, models, auth choices, error codes, as data
