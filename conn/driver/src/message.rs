//! Requests and responses as the native API gives them: the field section as it was on the wire, and a body.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use pellucid_conn::{Fields, StreamId};
use pellucid_hpack::{Field, Token};

use crate::body::Body;
use crate::control::Control;
use crate::info::Info;
use crate::mailbox::Mailbox;
use crate::pool;
use crate::tunnel::Tunnel;

/// What requests of one connection share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) info: Info,
    pub(crate) mailbox: Arc<Mailbox>,
}

/// Called with each interim response as it comes.
pub(crate) type OnInterim = Box<dyn FnMut(Response) + Send>;

/// A request: pseudo-header fields and header fields in one section, and a body.
pub struct Request {
    fields: Fields,
    body: Body,
    id: StreamId,
    /// Of the connection it came on.
    shared: Option<Arc<Shared>>,
    on_interim: Option<OnInterim>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("id", &self.id).field("fields", &self.fields).field("body", &self.body).finish()
    }
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
        Self { fields, body: Body::empty(), id: StreamId::CONNECTION, shared: None, on_interim: None }
    }

    /// A request for a tunnel to `authority`, a host and a port (RFC 9113 §8.5).
    #[must_use]
    pub fn connect(authority: &str) -> Self {
        let mut fields = pool::take();
        fields.push_token(Token::METHOD, b"CONNECT");
        fields.push_token(Token::AUTHORITY, authority.as_bytes());
        Self::from_fields(fields)
    }

    /// A request for a tunnel that speaks `protocol`, such as `websocket` (RFC 8441 §4). The server must have offered it
    /// (`Config::enable_connect_protocol`).
    #[must_use]
    pub fn extended_connect(protocol: &str, scheme: &str, authority: &str, path: &str) -> Self {
        let mut request = Self::new("CONNECT", scheme, authority, path);
        request.fields.push_token(Token::PROTOCOL, protocol.as_bytes());
        request
    }

    pub(crate) fn received(fields: Fields, body: Body, id: StreamId, shared: &Arc<Shared>) -> Self {
        Self { fields, body, id, shared: Some(Arc::clone(shared)), on_interim: None }
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

    /// The same request, for a client: `call` gets each interim (1xx) response as it comes. Without it they are kept for
    /// [`Response::interim_responses`].
    #[must_use]
    pub fn on_interim(mut self, call: impl FnMut(Response) + Send + 'static) -> Self {
        self.on_interim = Some(Box::new(call));
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

    /// The scheme, `http` or `https`; `None` for a plain CONNECT.
    #[must_use]
    pub fn scheme(&self) -> Option<&[u8]> {
        self.fields.find(Token::SCHEME)
    }

    /// What an extended CONNECT asks for, such as `websocket` (RFC 8441 §4).
    #[must_use]
    pub fn protocol(&self) -> Option<&[u8]> {
        self.fields.find(Token::PROTOCOL)
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
        self.shared.as_deref().map(|shared| &shared.info)
    }

    #[cfg(feature = "http")]
    pub(crate) fn shared(&self) -> Option<&Arc<Shared>> {
        self.shared.as_ref()
    }

    /// Works on its stream besides answering it; `None` for a request that did not come from a connection.
    #[must_use]
    pub fn control(&self) -> Option<Control> {
        self.shared.as_deref().map(|shared| Control::new(&shared.mailbox, self.id))
    }

    /// Accepts a CONNECT request: the response to return from the handler, and the tunnel, to be used by a task of its own.
    #[must_use]
    pub fn into_tunnel(self) -> (Response, Tunnel) {
        let (tunnel, outgoing) = Tunnel::new(self.into_body());
        (Response::new(200).with_body(outgoing), tunnel)
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

    pub(crate) fn take_on_interim(&mut self) -> Option<OnInterim> {
        self.on_interim.take()
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
    /// Those that came before it; most often none.
    interim: Box<[Self]>,
    /// Of the stream it came on.
    control: Option<Control>,
}

impl Response {
    /// A response with this status and nothing else. A status outside 200–999 becomes 500: that is what the client is told.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self::with_status(if (200..=999).contains(&status) { status } else { 500 })
    }

    /// An interim response, for [`Control::inform`]; a status outside 100–199 becomes 103 (Early Hints).
    #[must_use]
    pub fn interim(status: u16) -> Self {
        Self::with_status(if (100..=199).contains(&status) { status } else { 103 })
    }

    fn with_status(status: u16) -> Self {
        let mut fields = pool::take();
        let digit = |n: u16| b'0' + u8::try_from(n % 10).unwrap_or(0);
        fields.push_token(Token::STATUS, &[digit(status / 100), digit(status / 10), digit(status)]);
        Self::from_fields(fields)
    }

    /// A response made of a whole field section, `:status` first.
    #[must_use]
    pub fn from_fields(fields: Fields) -> Self {
        Self { fields, body: Body::empty(), interim: Box::default(), control: None }
    }

    pub(crate) fn received(fields: Fields, body: Body, interim: Vec<Self>, control: Control) -> Self {
        Self { fields, body, interim: interim.into(), control: Some(control) }
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

    /// The interim (1xx) responses that came before this one, unless the request took them (see [`Request::on_interim`]).
    #[must_use]
    pub fn interim_responses(&self) -> &[Response] {
        &self.interim
    }

    /// Works on the stream it came on; `None` for a response that did not come from a connection.
    #[must_use]
    pub fn control(&self) -> Option<&Control> {
        self.control.as_ref()
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
