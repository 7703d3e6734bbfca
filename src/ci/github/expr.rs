//! GitHub Actions expressions.
