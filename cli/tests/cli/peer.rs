//! Servers that do what ours would not: each says what it was given to say, and reads to the end.
//!
//! Not for: answering sensibly; `pellucid serve` does.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use pellucid_conn::Fields;
use pellucid_frame::{End, ErrorCode, PREFACE, Setting, SettingId, StreamId, encode};
use pellucid_hpack::Encoder;

/// The stream of a client's first request.
pub(crate) const FIRST: StreamId = StreamId::new(1);

/// A server on a thread of its own.
pub(crate) struct Peer {
    pub(crate) address: String,
    /// Told when it has heard the client.
    pub(crate) heard: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Peer {
    /// A server that hears the client out, as far as it speaks at once, and then says this.
    pub(crate) fn saying(words: Vec<u8>) -> Self {
        Self::start(move |stream, tell| say(stream, tell, &words))
    }

    /// A server that says something else on each connection, and takes no more of them.
    pub(crate) fn saying_in_turn(words: Vec<Vec<u8>>) -> Self {
        Self::listen(move |listener, sender| {
            let connections: Vec<JoinHandle<()>> = words
                .into_iter()
                .map(|words| {
                    let (stream, _) = listener.accept().expect("a client comes");
                    let tell = teller(sender.clone());
                    thread::spawn(move || say(stream, &tell, &words))
                })
                .collect();
            connections.into_iter().for_each(|connection| connection.join().expect("the client stays"));
        })
    }

    /// A server that says nothing, ever.
    pub(crate) fn silent() -> Self {
        Self::start(|mut stream, tell| {
            let mut heard = vec![0; PREFACE.len()];
            stream.read_exact(&mut heard).expect("the client speaks first");
            tell();
            drain(&mut stream);
        })
    }

    /// A server that does this with its one connection.
    pub(crate) fn start(serve: impl FnOnce(TcpStream, &dyn Fn()) + Send + 'static) -> Self {
        Self::listen(move |listener, sender| {
            let (stream, _) = listener.accept().expect("a client comes");
            serve(stream, &teller(sender));
        })
    }

    fn listen(work: impl FnOnce(TcpListener, Sender<()>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let (sender, heard) = channel();
        let thread = thread::spawn(move || work(listener, sender));
        Self { address, heard, thread }
    }

    pub(crate) fn done(self) {
        self.thread.join().expect("the peer is content");
    }
}

fn teller(sender: Sender<()>) -> impl Fn() {
    move || {
        // Where the test does not wait for it, nobody needs to know.
        let _ = sender.send(());
    }
}

fn say(mut stream: TcpStream, tell: &dyn Fn(), words: &[u8]) {
    let mut heard = vec![0; PREFACE.len()];
    stream.read_exact(&mut heard).expect("the client speaks first");
    tell();
    stream.write_all(words).expect("the client listens");
    stream.shutdown(std::net::Shutdown::Write).expect("the client is there");
    drain(&mut stream);
}

/// Reads until the client is gone, so that closing does not cut off what was said.
pub(crate) fn drain(stream: &mut impl Read) {
    let mut rest = [0; 4096];
    while stream.read(&mut rest).is_ok_and(|octets| octets > 0) {}
}

/// What a server says on one connection, by name.
pub(crate) struct Words {
    octets: Vec<u8>,
    encoder: Encoder,
}

impl Words {
    /// Begins with SETTINGS.
    pub(crate) fn new() -> Self {
        let mut octets = Vec::new();
        encode::settings(&mut octets, &[]);
        Self { octets, encoder: Encoder::new(4096) }
    }

    pub(crate) fn headers(mut self, fields: &[(&str, &str)], end: End) -> Self {
        let mut section = Fields::new();
        for (name, value) in fields {
            section.push(name.as_bytes(), value.as_bytes());
        }
        let at = encode::reserve_head(&mut self.octets);
        self.encoder.encode(&section, &mut self.octets);
        encode::finish_headers(&mut self.octets, at, FIRST, end, 16_384);
        self
    }

    pub(crate) fn data(mut self, content: &str, end: End) -> Self {
        let octets = u32::try_from(content.len()).expect("content is short");
        encode::data_head(&mut self.octets, FIRST, octets, end);
        self.octets.extend_from_slice(content.as_bytes());
        self
    }

    pub(crate) fn reset(mut self, code: ErrorCode) -> Self {
        encode::reset(&mut self.octets, FIRST, code);
        self
    }

    /// A broken rule of the connection: a window of no octets more.
    pub(crate) fn nothing_more(mut self) -> Self {
        encode::window_update(&mut self.octets, StreamId::CONNECTION, 0);
        self
    }

    /// SETTINGS that allow one stream at a time.
    pub(crate) fn one_at_a_time() -> Self {
        let mut octets = Vec::new();
        encode::settings(&mut octets, &[Setting { id: SettingId::MAX_CONCURRENT_STREAMS, value: 1 }]);
        Self { octets, encoder: Encoder::new(4096) }
    }

    pub(crate) fn goaway(mut self, last: StreamId) -> Self {
        encode::goaway(&mut self.octets, last, ErrorCode::NO_ERROR, b"");
        self
    }

    pub(crate) fn octets(self) -> Vec<u8> {
        self.octets
    }
}
