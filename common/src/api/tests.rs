//! The decoder against tables of bodies, and the client against a server that misbehaves.

mod decoding;

mod misbehaving;

mod server;
