//! I/O: folders and git history → definitions with the time they were in force, and coverage.
