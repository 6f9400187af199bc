//! What either side saw of every exchange, and whether that is what was planned.

use std::sync::{Arc, Mutex};

use crate::plan::{Ending, Exchange, Field, Message, Plan};

/// A connection's plan and what has been seen of it; shared by both sides.
#[derive(Clone)]
pub struct World {
    pub plan: Arc<Plan>,
    by_server: Arc<Mutex<Vec<Option<Seen>>>>,
    by_client: Arc<Mutex<Vec<Option<Seen>>>>,
}

/// One message as its receiver saw it.
#[derive(Debug, Default)]
pub struct Seen {
    /// The method or the status; empty when no header section came.
    pub first: String,
    pub fields: Vec<Field>,
    pub content: Vec<u8>,
    pub trailers: Vec<Field>,
    pub end: End,
}

/// How a message ended for its receiver.
#[derive(Debug, Default, PartialEq)]
pub enum End {
    /// Nobody looked.
    #[default]
    Unread,
    Whole,
    /// The peer reset the stream with this code.
    Reset(u32),
    /// Anything else, which is wrong.
    Failed(String),
}

impl World {
    pub fn new(plan: Plan) -> World {
        let nothing = || Arc::new(Mutex::new(plan.exchanges.iter().map(|_| None).collect()));
        let (by_server, by_client) = (nothing(), nothing());
        World { plan: Arc::new(plan), by_server, by_client }
    }

    pub fn exchange(&self, number: usize) -> &Exchange {
        &self.plan.exchanges[number]
    }

    pub fn server_saw(&self, number: usize, seen: Seen) {
        assert!(self.by_server.lock().unwrap()[number].replace(seen).is_none(), "exchange {number} came twice");
    }

    pub fn client_saw(&self, number: usize, seen: Seen) {
        assert!(self.by_client.lock().unwrap()[number].replace(seen).is_none(), "exchange {number} ended twice");
    }

    /// Compares all of it with the plan.
    pub fn check(&self) {
        let (by_server, by_client) = (self.by_server.lock().unwrap(), self.by_client.lock().unwrap());
        for (number, exchange) in self.plan.exchanges.iter().enumerate() {
            let name = format!("seed {}, exchange {number}, {:?}", self.plan.seed, exchange.ending);
            let client = by_client[number].as_ref().unwrap_or_else(|| panic!("{name}: the client saw nothing"));
            let saw_nothing = || panic!("{name}: the server saw nothing, the client: {:?}", client.end);
            let server = by_server[number].as_ref().unwrap_or_else(saw_nothing);
            let (request, response) = (&exchange.request, &exchange.response);
            let status = exchange.status.to_string();
            server.has_head(exchange.method, &request.fields, &name);
            match exchange.ending {
                Ending::Whole => {
                    server.is_whole(request, &name);
                    client.has_head(&status, &response.fields, &name);
                    client.is_whole(response, &name);
                }
                Ending::Unread => {
                    client.has_head(&status, &response.fields, &name);
                    client.is_whole(response, &name);
                }
                Ending::ClientResets { after, code } => {
                    client.has_head(&status, &response.fields, &name);
                    server.is_cut(request, after, code, &name);
                }
                Ending::ServerResets { after, code } => {
                    server.is_whole(request, &name);
                    // A reset may overtake what was queued, the header section included.
                    if !client.first.is_empty() {
                        client.has_head(&status, &response.fields, &name);
                    }
                    client.is_cut(response, after, code, &name);
                }
            }
        }
    }
}

impl Seen {
    fn has_head(&self, first: &str, fields: &[Field], name: &str) {
        assert_eq!(self.first, first, "{name}");
        assert_eq!(sorted(&self.fields), sorted(fields), "{name}");
    }

    fn is_whole(&self, message: &Message, name: &str) {
        assert_eq!(self.end, End::Whole, "{name}, after {} octets", self.content.len());
        assert_eq!(self.content.len(), message.content.len(), "{name}");
        assert!(self.content == message.content, "{name}: the content differs");
        assert_eq!(sorted(&self.trailers), sorted(&message.trailers), "{name}");
    }

    fn is_cut(&self, message: &Message, after: usize, code: u32, name: &str) {
        assert_eq!(self.end, End::Reset(code), "{name}");
        assert!(self.content.len() <= after, "{name}: {} octets came", self.content.len());
        assert!(message.content.starts_with(&self.content), "{name}: the content differs");
        assert!(self.trailers.is_empty(), "{name}");
    }
}

/// By name, fields of one name in their order: that is all the order that must be kept (RFC 9110 §5.3), and all that the other
/// implementation keeps.
fn sorted(fields: &[Field]) -> Vec<Field> {
    let mut fields = fields.to_vec();
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    fields
}
