//! HTTP/2 client: connect, TLS, request.
