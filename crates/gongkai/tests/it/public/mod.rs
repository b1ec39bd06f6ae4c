//! The public door, from outside: what is served, to which host, with which headers, and what is never given.

mod hosts;
mod pages;
mod search;
