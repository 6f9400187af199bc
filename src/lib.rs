//! HTTP/2 from frames up.
#![forbid(unsafe_code)]
