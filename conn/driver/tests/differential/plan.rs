//! What is to happen on a connection, made from a seed: settings of either side, and exchanges with all that both sides shall see.

use bytes::Bytes;

/// Numbers that look random and are the same for the same seed.
pub struct Dice(pub u64);

/// A connection and its exchanges.
pub struct Plan {
    pub seed: u64,
    pub client: Side,
    pub server: Side,
    pub exchanges: Vec<Exchange>,
    /// How many exchanges the client has under way at once.
    pub at_once: usize,
}

/// What one side of a connection announces.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    pub stream_window: u32,
    pub connection_window: u32,
    pub max_frame_size: u32,
    pub header_table_size: u32,
    pub max_streams: u32,
}

/// One request and what becomes of it.
pub struct Exchange {
    pub method: &'static str,
    pub request: Message,
    pub status: u16,
    pub response: Message,
    pub order: Order,
    pub ending: Ending,
}

/// Fields, content and trailers of a message. Names are lower case, pseudo-header fields are left out.
pub struct Message {
    pub fields: Vec<Field>,
    pub content: Bytes,
    /// Octets in one piece of the content, as it is given to the sender.
    pub piece: usize,
    pub trailers: Vec<Field>,
}

pub type Field = (String, Vec<u8>);

/// When the server answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// When it has read the request to its end.
    AfterRequest,
    /// With the header section at once, and content while it reads.
    AtOnce,
}

/// How an exchange ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    Whole,
    /// The server answers in full and reads nothing.
    Unread,
    /// The client gets the response's header section, sends so many octets of its content and resets the stream.
    ClientResets {
        after: usize,
        code: u32,
    },
    /// The server reads the request, sends so many octets of its content and resets the stream.
    ServerResets {
        after: usize,
        code: u32,
    },
}

impl Dice {
    pub fn roll(&mut self) -> u64 {
        // SplitMix64: every seed is a good one.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % bound as u64).unwrap()
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Others, whose numbers have nothing to do with these.
    pub fn split(&mut self) -> Dice {
        Dice(self.roll())
    }

    fn octets(&mut self, count: usize) -> Vec<u8> {
        let words = (0..count.div_ceil(8)).flat_map(|_| self.roll().to_le_bytes());
        words.take(count).collect()
    }
}

impl Plan {
    pub fn new(seed: u64) -> Plan {
        let mut dice = Dice(seed);
        let (client, server) = (Side::new(&mut dice), Side::new(&mut dice));
        let noise = Bytes::from(dice.octets((1 << 20) + NOISE_SPARE));
        // Many small windows make a large body slow and show nothing more.
        let most = if client.stream_window.min(server.stream_window) < 10_000 { 30_000 } else { 1 << 20 };
        let exchanges = (0..30).map(|_| Exchange::new(&mut dice, &noise, most)).collect();
        let at_once = dice.pick(&[1, 3, 10, 30]);
        Plan { seed, client, server, exchanges, at_once }
    }
}

impl Side {
    fn new(dice: &mut Dice) -> Side {
        Side {
            stream_window: dice.pick(&[700, 5_000, 65_535, 65_535, 1 << 20]),
            connection_window: dice.pick(&[65_535, 100_000, 1 << 20]),
            max_frame_size: dice.pick(&[16_384, 20_000, 1 << 20]),
            header_table_size: dice.pick(&[0, 100, 4_096, 4_096, 65_536]),
            max_streams: dice.pick(&[1, 2, 7, 100]),
        }
    }
}

impl Exchange {
    fn new(dice: &mut Dice, noise: &Bytes, most: usize) -> Exchange {
        let method = dice.pick(&["GET", "POST", "PUT", "HEAD", "PATCH", "DELETE"]);
        let request = match method {
            "GET" | "HEAD" => Message::without_content(dice),
            _ => Message::new(dice, noise, most),
        };
        let response = if method == "HEAD" { Message::without_content(dice) } else { Message::new(dice, noise, most) };
        let after = |dice: &mut Dice, message: &Message| dice.below(message.content.len() + 1);
        let code = dice.pick(&RESET_CODES);
        let (ending, order) = match dice.below(10) {
            0 => (Ending::ClientResets { after: after(dice, &request), code }, Order::AtOnce),
            // The response to HEAD ends with its header section.
            1 if method != "HEAD" => {
                (Ending::ServerResets { after: after(dice, &response), code }, Order::AfterRequest)
            }
            2 => (Ending::Unread, Order::AtOnce),
            _ => (Ending::Whole, dice.pick(&[Order::AfterRequest, Order::AtOnce])),
        };
        Exchange { method, request, status: dice.pick(&[200, 201, 404, 500, 299]), response, order, ending }
    }
}

impl Message {
    fn without_content(dice: &mut Dice) -> Message {
        Message { fields: fields(dice), content: Bytes::new(), piece: 1, trailers: Vec::new() }
    }

    fn new(dice: &mut Dice, noise: &Bytes, most: usize) -> Message {
        let length = match dice.below(10) {
            0..3 => 0,
            3..6 => dice.below(1_000),
            6..9 => dice.below(70_000.min(most)),
            _ => dice.below(most + 1),
        };
        let start = dice.below(NOISE_SPARE);
        let mut fields = fields(dice);
        if dice.below(2) == 0 {
            fields.push(("content-length".to_owned(), length.to_string().into_bytes()));
        }
        let trailers = if dice.below(3) == 0 { trailers(dice) } else { Vec::new() };
        let piece = dice.pick(&[300, 5_000, 70_000, 1 << 20]);
        Message { fields, content: noise.slice(start..start + length), piece, trailers }
    }

    /// Whether the header section is all of it.
    pub fn is_only_fields(&self) -> bool {
        self.content.is_empty() && self.trailers.is_empty()
    }

    /// The content in pieces, none of them empty.
    pub fn pieces(&self) -> Vec<Bytes> {
        pieces(&self.content, self.piece)
    }

    /// The first octets of the content in pieces.
    pub fn pieces_to(&self, end: usize) -> Vec<Bytes> {
        pieces(&self.content.slice(..end), self.piece)
    }
}

/// Content begins anywhere in the first octets of the noise.
const NOISE_SPARE: usize = 1_000;

/// INTERNAL_ERROR, CANCEL, ENHANCE_YOUR_CALM, and one that nobody knows.
const RESET_CODES: [u32; 4] = [2, 8, 11, 0x1234];

fn pieces(content: &Bytes, piece: usize) -> Vec<Bytes> {
    (0..content.len()).step_by(piece).map(|at| content.slice(at..(at + piece).min(content.len()))).collect()
}

/// Some fields: names that repeat from message to message, values that sometimes do.
fn fields(dice: &mut Dice) -> Vec<Field> {
    let names = ["accept", "user-agent", "x-a", "x-b", "x-trace-id", "authorization", "cache-control", "x-empty"];
    let mut fields: Vec<Field> = Vec::new();
    for name in names {
        for _ in 0..dice.pick(&[0, 0, 1, 1, 2]) {
            let value = match dice.below(20) {
                0 => Vec::new(),
                // A block that needs CONTINUATION.
                1 => visible(dice, 20_000),
                2..8 => visible(dice, 60),
                _ => format!("value {}", dice.below(4)).into_bytes(),
            };
            fields.push((name.to_owned(), value));
        }
    }
    fields
}

fn trailers(dice: &mut Dice) -> Vec<Field> {
    let sum = visible(dice, 32);
    vec![("x-sum".to_owned(), sum), ("x-status".to_owned(), dice.below(17).to_string().into_bytes())]
}

/// Octets that a field value may have, those beyond ASCII too (RFC 9110 §5.5), and no space at an edge.
fn visible(dice: &mut Dice, most: usize) -> Vec<u8> {
    let count = dice.below(most);
    dice.octets(count)
        .into_iter()
        .map(|octet| if (octet & 0x7f) < 0x21 || octet == 0x7f { b'q' } else { octet })
        .collect()
}
