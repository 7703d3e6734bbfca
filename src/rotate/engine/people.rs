//! What the engine asks people and programs.

use async_trait::async_trait;
use keysweep_sdk::Minted;

use crate::plan::Rotation;

/// What an operator says to the one question.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// Contain now. It is the default, also when nobody is there to ask.
    pub go: bool,
    pub by: String,
    pub why: String,
}

/// The person at the terminal, if there is one.
#[async_trait]
pub trait Operator: Send + Sync {
    /// Whether to end the old one now, with what that breaks.
    async fn contain(&self, rotation: &Rotation, why: &str) -> Reply;

    /// The value of what a person minted, read without echo. `None`: not now.
    async fn value(&self, rotation: &Rotation) -> Option<Minted>;
}

/// Programs that make consumers read again, or show that they have.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Runs it without a shell and without any value. What it prints is not kept; the error says how it ended.
    async fn run(&self, argv: &[String]) -> Result<(), String>;
}
