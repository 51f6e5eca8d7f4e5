//! Sealing, answers, the token URL's refusals, and the single flight against a token URL that rotates for real.

mod answers;

mod borders;

mod host;

mod sealing;

mod single_flight;
