//! Responses from one form to the other: what a service answers becomes a native response, what a client receives an `http` one.

use std::task::Context;

use ::http::{StatusCode, header};
use bytes::Buf;
use pellucid_conn::Fields;
use pellucid_hpack::Token;

use super::extensions::Upgrade;
use super::fields::{Te, Unfit, append, push_length, to_map};
use super::outgoing::to_native;
use super::{BoxError, RecvBody};
use crate::body::Body;
use crate::error::Error;
use crate::handlers::promised_length;
use crate::message::Response;
use crate::pool;
use crate::tunnel::Tunnel;

/// What a server's request allows its response to be.
pub(super) struct Owed {
    pub(super) is_head: bool,
    /// Of a CONNECT request: what is written to its tunnel.
    pub(super) tunnel: Option<Body>,
}

impl Owed {
    /// The native response. Its body is polled for the first time.
    pub(super) fn answer<B>(self, response: ::http::Response<B>, cx: &mut Context<'_>) -> Response
    where
        B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static,
    {
        let (mut head, body) = response.into_parts();
        // RFC 9110 §15.2: what ends a handler is final. RFC 9113 §8.6: and 101 does not exist here.
        if head.status.is_informational() {
            tracing::debug!(status = head.status.as_u16(), "an interim status cannot be the answer: 500 is");
            return Response::new(500);
        }
        let tunnel = self.tunnel.filter(|_| head.status.is_success());
        if tunnel.is_some() || head.status == StatusCode::NO_CONTENT {
            // RFC 9110 §9.3.6: what follows is no content, and has no length. §8.6: nor has 204; some frameworks say 0.
            head.headers.remove(header::CONTENT_LENGTH);
        }
        let has_none = self.is_head || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let length = body.size_hint().exact();
        // RFC 9110 §8.6: a server may say how long the content would be, or need not where there is none. An empty body behind
        // HEAD says nothing of what GET would give.
        let is_told = tunnel.is_some() || (has_none && (!self.is_head || length == Some(0)));
        let mut fields = pool::take();
        fields.push_token(Token::STATUS, head.status.as_str().as_bytes());
        append(&mut fields, &head.headers, Te::Never);
        if let Some(length) = length.filter(|_| !is_told && !head.headers.contains_key(header::CONTENT_LENGTH)) {
            push_length(&mut fields, length);
        }
        let body = match tunnel {
            Some(outgoing) => outgoing,
            None if has_none => Body::empty(),
            None => to_native(body, cx),
        };
        Response::from_fields(fields).with_body(body)
    }
}

/// What a request that a client sends lets its response be; made by [`request_to_native`](super::request_to_native).
#[derive(Debug)]
pub struct Expected {
    pub(super) is_head: bool,
    pub(super) tunnel: Option<Tunnel>,
}

impl Expected {
    /// The response to that request in `http`'s form. Extensions: [`Control`](crate::Control) of its stream; an [`Upgrade`] where
    /// it opens a tunnel.
    ///
    /// # Errors
    /// The response has more fields than an `http::HeaderMap` holds.
    pub fn response(self, mut native: Response) -> Result<::http::Response<RecvBody>, Error> {
        let head = head(native.fields()).map_err(|unfit| {
            let error = Error::body(format!("a response that http has no form for: {}", unfit.0)).after_answer();
            native.control().map_or(error.clone(), |control| error.on(control.stream()))
        })?;
        let length = if self.is_head { None } else { promised_length(native.fields()) };
        let body = std::mem::take(native.body_mut());
        let mut response = head.map(|()| RecvBody::default());
        if let Some(control) = native.control() {
            response.extensions_mut().insert(control.clone());
        }
        match self.tunnel.filter(|_| response.status().is_success()) {
            Some(mut tunnel) => {
                tunnel.set_incoming(body);
                response.extensions_mut().insert(Upgrade::new(tunnel));
            }
            None => *response.body_mut() = RecvBody::new(body, length),
        }
        Ok(response)
    }
}

/// A response's header section.
pub(super) fn head(fields: &Fields) -> Result<::http::Response<()>, Unfit> {
    let mut status = None;
    let headers = to_map(fields, |token, value| {
        if token == Token::STATUS {
            status = StatusCode::from_bytes(&value).ok();
        }
    })?;
    let mut response = ::http::Response::new(());
    *response.status_mut() = status.ok_or(Unfit("the status"))?;
    *response.version_mut() = ::http::Version::HTTP_2;
    *response.headers_mut() = headers;
    Ok(response)
}
