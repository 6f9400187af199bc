//! Field sections as `http::HeaderMap` and back.
//!
//! Not for pseudo-header fields: `request` and `response` know what they mean.

use std::sync::OnceLock;

use ::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use bytes::{Bytes, BytesMut};
use pellucid_conn::Fields;
use pellucid_hpack::{Field, Token};

/// A section that `http` has no form for; says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfit(pub(super) &'static str);

/// The fields of a section; `pseudo` gets those that begin with a colon. All values share one allocation.
pub(super) fn to_map(fields: &Fields, mut pseudo: impl FnMut(Token, Bytes)) -> Result<HeaderMap, Unfit> {
    let mut octets = BytesMut::with_capacity(fields.iter().map(|f| f.value.len()).sum());
    fields.iter().for_each(|f| octets.extend_from_slice(f.value));
    let mut octets = octets.freeze();
    let too_many = || Unfit("the number of fields");
    let mut map = HeaderMap::try_with_capacity(fields.len()).map_err(|_| too_many())?;
    for field in fields {
        // In the same order as above, so there are always as many.
        let value = octets.split_to(field.value.len());
        if field.name.first() == Some(&b':') {
            pseudo(field.token, value);
            continue;
        }
        let mut value = HeaderValue::from_maybe_shared(value).map_err(|_| Unfit("a field's value"))?;
        value.set_sensitive(field.sensitive);
        map.try_append(name(&field)?, value).map_err(|_| too_many())?;
    }
    Ok(map)
}

/// Appends the fields of a map, without those that only mean something to an HTTP/1 connection. Of `te` only `trailers` is
/// left, and only where `te` says so.
pub(super) fn append(fields: &mut Fields, map: &HeaderMap, te: Te) {
    let nominated = map.contains_key(header::CONNECTION).then(|| nominated(map));
    let mut te = te;
    for (name, value) in map {
        if is_connection_specific(name) || nominated.as_ref().is_some_and(|names| names.contains(name)) {
            continue;
        }
        // RFC 9113 §8.2.2: in a request, once, and with no other value.
        if *name == header::TE {
            if te == Te::Trailers && tokens(value).any(|t| t.eq_ignore_ascii_case(b"trailers")) {
                te = Te::Never;
                fields.push_token(Token::TE, b"trailers");
            }
            continue;
        }
        // RFC 9113 §8.2.1: no white space at the edges; HTTP/1 does not mind it.
        let octets = value.as_bytes().trim_ascii();
        if value.is_sensitive() {
            fields.push_sensitive(name.as_str().as_bytes(), octets);
        } else {
            fields.push(name.as_str().as_bytes(), octets);
        }
    }
}

/// Whether a section may say `te: trailers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Te {
    /// A request's header section.
    Trailers,
    /// Any other.
    Never,
}

/// Appends a content-length.
pub(super) fn push_length(fields: &mut Fields, octets: u64) {
    fields.push_token(Token::CONTENT_LENGTH, octets.to_string().as_bytes());
}

/// RFC 9113 §8.2.2: these must not be in a message.
fn is_connection_specific(name: &HeaderName) -> bool {
    [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE].contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// RFC 9110 §7.6.1: fields that `connection` names are for this connection only, too.
fn nominated(map: &HeaderMap) -> Vec<HeaderName> {
    let values = map.get_all(header::CONNECTION);
    values.iter().flat_map(tokens).filter_map(|name| HeaderName::from_bytes(name).ok()).collect()
}

fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|octet| *octet == b',').map(<[u8]>::trim_ascii)
}

/// Known names are made once and then only copied.
fn name(field: &Field<'_>) -> Result<HeaderName, Unfit> {
    static KNOWN: [OnceLock<HeaderName>; Token::COUNT] = [const { OnceLock::new() }; Token::COUNT];
    let make = || HeaderName::from_lowercase(field.name).map_err(|_| Unfit("a field's name"));
    let known = KNOWN.get(field.token.index()).filter(|_| field.token != Token::OTHER);
    match known {
        Some(place) => match place.get() {
            Some(name) => Ok(name.clone()),
            None => make().map(|name| place.get_or_init(|| name).clone()),
        },
        None => make(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn section(list: &[(String, String)]) -> Fields {
        list.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
    }

    const NAME: &str = "[a-d]|x-[a-z0-9_~!]{1,9}|cookie|accept|grpc-status";
    const VALUE: &str = "([!-~]([ -~\\t]{0,20}[!-~])?)?";

    proptest! {
        /// Of each name all values, in their order: what a map promises.
        #[test]
        fn a_section_survives_being_a_map(list in vec((NAME, VALUE), 0..40)) {
            let map = to_map(&section(&list), |_, _| unreachable!("no pseudo-header field")).unwrap();
            prop_assert_eq!(map.len(), list.len());
            let mut back = Fields::new();
            append(&mut back, &map, Te::Never);
            let values = |fields: &Fields, name: &str| {
                fields.iter().filter(|f| f.name == name.as_bytes()).map(|f| f.value.to_vec()).collect::<Vec<_>>()
            };
            for (name, _) in &list {
                prop_assert_eq!(values(&back, name), values(&section(&list), name));
            }
            prop_assert_eq!(back.len(), list.len());
        }

        /// Whatever the octets: an answer, and no panic.
        #[test]
        fn any_octets_are_a_map_or_unfit(list in vec((any::<Vec<u8>>(), any::<Vec<u8>>()), 0..20)) {
            let fields: Fields = list.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
            let _ = to_map(&fields, |_, _| {});
        }
    }

    #[test]
    fn more_fields_than_a_map_holds_are_unfit() {
        for (fields, is_fit) in [(24_000, true), (26_000, false), (40_000, false)] {
            let section: Fields = (0..fields).map(|_| (&b"x"[..], &b"1"[..])).collect();
            let map = to_map(&section, |_, _| {});
            assert_eq!(map.map(|m| m.len()), if is_fit { Ok(fields) } else { Err(Unfit("the number of fields")) });
        }
    }
}
