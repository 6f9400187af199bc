//! Flow-control windows of HTTP/2: arithmetic only.
