//! The decoder against tables of bodies, and the client against a server that misbehaves.

mod borders;
mod carried;

mod decoding;

mod live;
mod misbehaving;
mod requests;

mod server;
