//! Extensible priorities (RFC 9218): the two parameters, how they are parsed, and what is remembered for streams to come.

use pellucid_frame::StreamId;

/// A response's priority. The default is urgency 3, not incremental (RFC 9218 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Priority {
    /// 0 (first) to 7 (background).
    pub urgency: u8,
    /// Whether parts of it are useful, so that bandwidth is shared with its equals.
    pub incremental: bool,
}

impl Default for Priority {
    fn default() -> Self {
        Self { urgency: 3, incremental: false }
    }
}

impl Priority {
    /// Parses a `priority` field value, a structured-fields dictionary (RFC 9218 §4, §5).
    ///
    /// Unknown parameters, values out of range and values of another type are ignored; what is no dictionary at all counts as
    /// empty. Parameters that are not there have their defaults.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        Self::parse_dictionary(value).unwrap_or_default()
    }

    fn parse_dictionary(value: &[u8]) -> Option<Self> {
        let mut priority = Self::default();
        if value.trim_ascii().is_empty() {
            return Some(priority);
        }
        for member in value.split(|b| *b == b',') {
            let member = member.trim_ascii();
            // Parameters of a member (`;…`) mean nothing here, as long as they are some (RFC 8941 §3.1.2).
            let mut parts = member.split(|b| *b == b';');
            let member = parts.next().unwrap_or(member).trim_ascii();
            if !parts.all(|p| p.split(|b| *b == b'=').next().is_some_and(|key| is_key(key.trim_ascii_start()))) {
                return None;
            }
            let (key, item) = match member.iter().position(|b| *b == b'=') {
                Some(at) => (member.get(..at)?, Some(member.get(at + 1..)?)),
                None => (member, None),
            };
            if !is_key(key) {
                return None;
            }
            match (key, item) {
                (b"u", Some([digit @ b'0'..=b'7'])) => priority.urgency = digit - b'0',
                (b"i", None | Some(b"?1")) => priority.incremental = true,
                (b"i", Some(b"?0")) => priority.incremental = false,
                _ => {}
            }
        }
        Some(priority)
    }

    /// The field value that says this, for PRIORITY_UPDATE.
    #[must_use]
    pub fn to_value(self) -> Vec<u8> {
        let mut value = vec![b'u', b'=', b'0' + self.urgency.min(7)];
        if self.incremental {
            value.extend_from_slice(b", i");
        }
        value
    }
}

/// A dictionary key: a lower-case letter or `*`, then letters, digits, `_`, `-`, `.`, `*` (RFC 8941 §3.1.2).
fn is_key(key: &[u8]) -> bool {
    key.first().is_some_and(|b| b.is_ascii_lowercase() || *b == b'*')
        && key.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.*".contains(b))
}

/// Priorities of streams that do not exist yet: the latest one an identifier, never more than could be opened.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    list: Vec<(StreamId, Priority)>,
}

impl Expected {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn contains(&self, id: StreamId) -> bool {
        self.list.iter().any(|(i, _)| *i == id)
    }

    pub(crate) fn set(&mut self, id: StreamId, priority: Priority) {
        match self.list.iter_mut().find(|(i, _)| *i == id) {
            Some((_, p)) => *p = priority,
            None => self.list.push((id, priority)),
        }
    }

    /// Takes what was remembered for `id`; identifiers below it can no longer be opened and are dropped.
    pub(crate) fn take(&mut self, id: StreamId) -> Option<Priority> {
        if self.list.is_empty() {
            return None;
        }
        let found = self.list.iter().find(|(i, _)| *i == id).map(|(_, p)| *p);
        self.list.retain(|(i, _)| *i > id);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_parse_as_the_rfc_says() {
        let p = |urgency, incremental| Priority { urgency, incremental };
        let table: [(&[u8], Priority); 14] = [
            (b"", p(3, false)),
            (b"u=0", p(0, false)),
            (b"u=5, i", p(5, true)),
            (b"i=?1", p(3, true)),
            (b"i=?0,u=1", p(1, false)),
            (b"u=9", p(3, false)),
            (b"u=-1", p(3, false)),
            (b"u=3;i", p(3, false)),
            (b"u=2;x=1, i;y", p(2, true)),
            (b"u=x", p(3, false)),
            (b"i=1", p(3, false)),
            (b"foo=bar, u=4", p(4, false)),
            (b"=, u=4", p(3, false)),
            (b"\xff\x00", p(3, false)),
        ];
        for (value, want) in table {
            assert_eq!(Priority::parse(value), want, "{value:?}");
        }
        for urgency in 0..8 {
            assert_eq!(Priority::parse(&p(urgency, true).to_value()), p(urgency, true));
        }
    }

    #[test]
    fn only_the_latest_priority_of_a_coming_stream_is_kept() {
        let mut expected = Expected::default();
        expected.set(StreamId::new(5), Priority { urgency: 1, incremental: false });
        expected.set(StreamId::new(5), Priority { urgency: 6, incremental: false });
        expected.set(StreamId::new(3), Priority::default());
        assert_eq!(expected.len(), 2);
        assert_eq!(expected.take(StreamId::new(5)).map(|p| p.urgency), Some(6));
        assert_eq!(expected.len(), 0);
    }
}
