//! Requests and responses as the native API gives them: the field section as it was on the wire, and a body.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use pellucid_conn::{Fields, StreamId};
use pellucid_hpack::{Field, Token};

use crate::body::Body;
use crate::pool;

/// Facts of the connection a request came on; shared by all its requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The peer's address, where the transport has one.
    pub peer: Option<SocketAddr>,
    /// Our address, where the transport has one.
    pub local: Option<SocketAddr>,
    /// Whether the transport is TLS.
    pub secure: bool,
    /// The server name the client asked for in its TLS handshake.
    pub server_name: Option<String>,
}

/// A request: pseudo-header fields and header fields in one section, and a body.
#[derive(Debug)]
pub struct Request {
    fields: Fields,
    body: Body,
    id: StreamId,
    info: Option<Arc<Info>>,
}

impl Request {
    /// A request with these four pseudo-header fields.
    #[must_use]
    pub fn new(method: &str, scheme: &str, authority: &str, path: &str) -> Self {
        let mut fields = pool::take();
        fields.push_token(Token::METHOD, method.as_bytes());
        fields.push_token(Token::SCHEME, scheme.as_bytes());
        fields.push_token(Token::AUTHORITY, authority.as_bytes());
        fields.push_token(Token::PATH, path.as_bytes());
        Self::from_fields(fields)
    }

    /// A GET request.
    #[must_use]
    pub fn get(scheme: &str, authority: &str, path: &str) -> Self {
        Self::new("GET", scheme, authority, path)
    }

    /// A request made of a whole field section, pseudo-header fields first.
    #[must_use]
    pub fn from_fields(fields: Fields) -> Self {
        Self { fields, body: Body::empty(), id: StreamId::CONNECTION, info: None }
    }

    pub(crate) fn received(fields: Fields, body: Body, id: StreamId, info: &Arc<Info>) -> Self {
        Self { fields, body, id, info: Some(Arc::clone(info)) }
    }

    /// The same request with this header field appended; the name is written in lower case (RFC 9113 §8.2).
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        push(&mut self.fields, name, value.as_ref());
        self
    }

    /// The same request with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &[u8] {
        self.fields.find(Token::METHOD).unwrap_or_default()
    }

    /// Path and query; empty for CONNECT.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.fields.find(Token::PATH).unwrap_or_default()
    }

    /// The authority: `:authority`, or `host` where the client sent only that. The two never disagree (RFC 9113 §8.3.1).
    #[must_use]
    pub fn authority(&self) -> Option<&[u8]> {
        self.fields.find(Token::AUTHORITY).or_else(|| self.fields.find(Token::HOST))
    }

    /// The first value of a header field; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name.as_bytes())
    }

    /// The whole field section.
    #[must_use]
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Its stream; `CONNECTION` for a request that has not been sent.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.id
    }

    /// Facts of the connection it came on.
    #[must_use]
    pub fn info(&self) -> Option<&Info> {
        self.info.as_deref()
    }

    /// The body, to read from.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// The body alone.
    #[must_use]
    pub fn into_body(mut self) -> Body {
        std::mem::take(&mut self.body)
    }

    pub(crate) fn into_parts(mut self) -> (Fields, Body) {
        (std::mem::take(&mut self.fields), std::mem::take(&mut self.body))
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        pool::give(std::mem::take(&mut self.fields));
    }
}

/// A response: status and header fields in one section, and a body.
#[derive(Debug)]
pub struct Response {
    fields: Fields,
    body: Body,
    interim: Vec<Fields>,
}

impl Response {
    /// A response with this status and nothing else. A status outside 200–999 becomes 500: that is what the client is told.
    #[must_use]
    pub fn new(status: u16) -> Self {
        let mut fields = pool::take();
        let status = if (200..=999).contains(&status) { status } else { 500 };
        let digit = |n: u16| b'0' + u8::try_from(n % 10).unwrap_or(0);
        fields.push_token(Token::STATUS, &[digit(status / 100), digit(status / 10), digit(status)]);
        Self { fields, body: Body::empty(), interim: Vec::new() }
    }

    pub(crate) fn received(fields: Fields, body: Body, interim: Vec<Fields>) -> Self {
        Self { fields, body, interim }
    }

    /// The same response with this header field appended; the name is written in lower case (RFC 9113 §8.2).
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        push(&mut self.fields, name, value.as_ref());
        self
    }

    /// The same response with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        let digits = self.fields.find(Token::STATUS).unwrap_or_default();
        digits.iter().fold(0, |n, d| n * 10 + u16::from(d.saturating_sub(b'0')))
    }

    /// The first value of a header field; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name.as_bytes())
    }

    /// All header fields, without `:status`.
    pub fn headers(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().filter(|f| f.token != Token::STATUS)
    }

    /// The whole field section.
    #[must_use]
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The interim (1xx) responses that came before this one.
    #[must_use]
    pub fn interim(&self) -> &[Fields] {
        &self.interim
    }

    /// The body, to read from.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// The body alone.
    #[must_use]
    pub fn into_body(mut self) -> Body {
        std::mem::take(&mut self.body)
    }

    pub(crate) fn into_parts(mut self) -> (Fields, Body) {
        (std::mem::take(&mut self.fields), std::mem::take(&mut self.body))
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        pool::give(std::mem::take(&mut self.fields));
    }
}

/// RFC 9113 §8.2: field names are lower case on the wire.
fn push(fields: &mut Fields, name: &str, value: &[u8]) {
    let name: Cow<'_, str> =
        if name.bytes().any(|b| b.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() };
    fields.push(name.as_bytes(), value);
}
