//! Turns a provider into a usable secret: stores, sources, provenance
