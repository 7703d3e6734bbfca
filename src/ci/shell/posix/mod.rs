//! POSIX shells: grammar, words and the walk over statements.

pub(super) mod ast;
mod branches;
mod files;
pub(super) mod parse;
pub(super) mod pattern;
mod walk;
mod words;
