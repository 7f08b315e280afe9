//! Decides what happens in one turn: what is asked, of which route, and what of the reply is the answer.
//!
//! It runs the same from the command line and from the gateway; it prints nothing and knows no HTTP server.

mod turn;
pub mod video;

pub use turn::{Attachment, Turn, TurnAnswer, run_turn};
