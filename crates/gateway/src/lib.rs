//! Serves OpenAI-compatible HTTP: authenticates, limits, streams, reports, drains
