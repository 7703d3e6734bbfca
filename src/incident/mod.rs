//! Incident packs: what was bad, when, and what it could do.
