//! HTTP/2 connections without I/O.
