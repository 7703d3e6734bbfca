//! POSIX shells: grammar, words and the walk over statements.

pub(super) mod ast;
pub(super) mod parse;
pub(super) mod pattern;
mod walk;
mod words;
