//! Speaks to one upstream: URL, HTTP client, byte patches, stream scanning, failure classes
