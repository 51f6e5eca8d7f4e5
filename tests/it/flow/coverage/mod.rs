//! What is there, what is being done, and how figures moved after they were first seen.

mod restatement;
