//! Budgets: what is left to others, when backfills are sent, and whether the foretold end is the end.

mod away;
mod eta;
mod fresh;
mod lanes;
mod pages;
mod reserve;
mod scopes;
