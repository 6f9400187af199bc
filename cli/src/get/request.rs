//! What is sent: method, header fields, content (RFC 9113 §8.3.1).
//!
//! Not for: what comes back, nor when it is sent; that is `origin`'s.

use std::fs::File;
use std::path::PathBuf;

use bytes::Bytes;
use pellucid_client::{Body, Request, Url};

use super::Args;
use crate::failure::Failure;
use crate::pieces::Pieces;

/// A header field to send; the name in lower case.
#[derive(Clone)]
pub(super) struct Header {
    name: String,
    value: String,
}

/// A header field as curl takes it.
pub(super) fn header(text: &str) -> Result<Header, String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'name: value'")?;
    let name = name.trim().to_ascii_lowercase();
    if !is_token(&name) {
        return Err("the name must be letters, digits and the like".to_owned());
    }
    // RFC 9113 §8.2.2: they belong to HTTP/1.1's connections.
    if ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"].contains(&name.as_str()) {
        return Err(format!("HTTP/2 has no field {name}"));
    }
    let value = value.trim().to_owned();
    // RFC 9113 §8.2.1: what would end or begin a line is no part of a value.
    if value.contains(['\0', '\r', '\n']) {
        return Err("the value holds a line break or NUL".to_owned());
    }
    Ok(Header { name, value })
}

/// A method: a token (RFC 9110 §9.1).
pub(super) fn method(text: &str) -> Result<String, String> {
    if is_token(text) && text != "CONNECT" { Ok(text.to_owned()) } else { Err("not a method for a URL".to_owned()) }
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet))
}

/// What is the same in all requests.
pub(super) struct Order {
    method: String,
    headers: Vec<Header>,
    content: Option<Content>,
}

enum Content {
    Text(Bytes),
    File(PathBuf),
    Stdin,
}

impl Order {
    pub(super) fn new(args: &Args) -> Self {
        let content = args.data.as_deref().map(|data| match data.strip_prefix('@') {
            Some("-") => Content::Stdin,
            Some(file) => Content::File(file.into()),
            None => Content::Text(Bytes::copy_from_slice(data.as_bytes())),
        });
        let implied = if content.is_some() { "POST" } else { "GET" };
        let method = args.method.as_deref().unwrap_or(implied).to_owned();
        Self { method, headers: args.headers.clone(), content }
    }

    /// Whether the same can be sent again: standard input is read only once.
    pub(super) fn is_repeatable(&self) -> bool {
        !matches!(self.content, Some(Content::Stdin))
    }

    /// The request for one URL.
    pub(super) fn request(&self, url: &Url) -> Result<Request, Failure> {
        let authority = self.header("host").unwrap_or(url.authority());
        let mut request = Request::new(&self.method, url.scheme(), authority, url.target(&self.method));
        for Header { name, value } in self.headers.iter().filter(|header| header.name != "host") {
            request = request.with_header(name, value);
        }
        let defaults = [("user-agent", concat!("pellucid/", env!("CARGO_PKG_VERSION"))), ("accept", "*/*")];
        for (name, value) in defaults {
            if self.header(name).is_none() {
                request = request.with_header(name, value);
            }
        }
        match &self.content {
            None => Ok(request),
            Some(content) => self.with_content(request, content),
        }
    }

    fn with_content(&self, mut request: Request, content: &Content) -> Result<Request, Failure> {
        let (content_type, length, body) = match content {
            Content::Text(text) => (FORM, Some(text.len() as u64), Body::from(text.clone())),
            Content::File(path) => {
                let fail = |error| Failure::new(format!("{}: {error}", path.display()));
                let file = File::open(path).map_err(fail)?;
                let metadata = file.metadata().map_err(fail)?;
                if metadata.is_dir() {
                    return Err(Failure::new(format!("{}: is a directory", path.display())));
                }
                // The length of a pipe or device says nothing.
                let length = metadata.is_file().then_some(metadata.len());
                (OCTETS, length, Body::from_source(Pieces::new(file, length)))
            }
            Content::Stdin => (OCTETS, None, Body::from_source(Pieces::new(std::io::stdin(), None))),
        };
        if self.header("content-type").is_none() {
            request = request.with_header("content-type", content_type);
        }
        if let Some(length) = length.filter(|_| self.header("content-length").is_none()) {
            request = request.with_header("content-length", length.to_string());
        }
        Ok(request.with_body(body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
    }
}

/// What curl says of `-d`.
const FORM: &str = "application/x-www-form-urlencoded";
const OCTETS: &str = "application/octet-stream";
