//! The tokio loop between a socket, a connection and async handles.
