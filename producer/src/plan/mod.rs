//! Planning as the operator sees it: a wish in words becomes a range, a selection, a plan with its price.
//!
//! [`wish`]: which days. [`selection`]: which malls and chunks. `groups`: walking through them in groups that each fit one
//! transaction. [`planning`]: these transactions, one after the other. [`left_out`]: what of the wish nobody can answer. [`eta`]: how long the rate limits make it last. [`preview`]: the plan as it is shown before it runs.

pub mod wish;

pub mod selection;

pub(crate) mod groups;

pub mod planning;

pub mod left_out;

pub(crate) mod digest;

pub mod eta;

pub mod preview;
