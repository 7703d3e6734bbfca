//! Replaces a local file whole or not at all.
//!
//! The new text goes to a temporary file in the same folder, gets the mode, owner, group and extended attributes of the
//! old one, reaches the disk, and is renamed over it; then the folder reaches the disk. At every instant the name holds
//! the whole old text or the whole new one. No copy of the old text is kept. (The blocks that held it are freed, not
//! overwritten: who reads the raw disk may still find them.)
//!
//! Writers take a lock on the folder, which the kernel drops when they die; a temporary file found under the lock is
//! therefore what a crash left, and is removed. `tempfile` makes and renames the file; the crates that do all of it
//! keep no attributes or do not know what a crash left.

mod attributes;
mod target;
mod trouble;
mod write;

pub use target::{Content, Seen, Target, Version};
pub use trouble::Trouble;
pub use write::Locked;
