//! The command as its users meet it: programs that run, what they print, how they end.
//!
//! Not for: what the crates below promise; they have tests of their own. `decode` has a file of its own.

mod complaints;
mod demo;
mod getting;
mod peer;
mod run;
mod serving;
