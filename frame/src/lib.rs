//! Wire format of HTTP/2 frames.
