//! Decides what happens in one turn
