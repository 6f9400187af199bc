//! HTTP/2 server: listen, TLS, accept, serve, drain.
