//! Decoded YAML with source lines.
