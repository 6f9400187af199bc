//! Which connection serves which origin: at most one each for now, made when it is first needed.
//!
//! An origin has an entry only while it has a connection or one is being made, so there are never more entries than connections.
//! One attempt at a time: whoever needs the origin meanwhile waits for the same one, and it goes on though the caller that began
//! it has gone.
//!
//! Not for: what is done with a connection; that is `client`. More connections an origin would be a list in [`Slot::Open`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use pellucid_driver::Error;
use pellucid_driver::client::SendRequest;
use tokio::sync::watch;

use crate::connect::Connector;
use crate::connection::Connection;
use crate::url::Url;

/// The connections of a client.
#[derive(Debug)]
pub(crate) struct Origins {
    connector: Connector,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By `:authority`, in lower case and without a default port.
    clear: HashMap<Box<[u8]>, Slot>,
    secure: HashMap<Box<[u8]>, Slot>,
    attempts: u64,
    is_shut: bool,
}

/// An origin's connection, with the number of the attempt that made it.
#[derive(Debug)]
enum Slot {
    Connecting(u64, Attempt),
    Open(u64, Connection),
}

/// Tells everybody who waits what became of an attempt.
type Attempt = watch::Receiver<Option<Result<Lease, Error>>>;

/// A connection to send on, and which one it is.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    pub(crate) number: u64,
    pub(crate) connection: Connection,
}

impl Origins {
    pub(crate) fn new(connector: Connector) -> Self {
        Self { connector, state: Mutex::default() }
    }

    /// The connection that is there already for an origin. Authorities that are not written in the usual way are not found here,
    /// but by [`Origins::lease`].
    pub(crate) fn open(&self, scheme: Option<&[u8]>, authority: Option<&[u8]>) -> Option<(u64, SendRequest)> {
        let (scheme, authority) = (scheme?, authority?);
        let state = self.lock();
        let slots = match scheme {
            b"http" => &state.clear,
            b"https" => &state.secure,
            _ => return None,
        };
        match slots.get(authority) {
            Some(Slot::Open(number, connection)) if connection.handle().is_open() => {
                Some((*number, connection.handle().clone()))
            }
            _ => None,
        }
    }

    /// A connection for an origin: the one that is there, or a new one. Cancel-safe: the attempt goes on for others.
    pub(crate) async fn lease(self: &Arc<Self>, url: &Url) -> Result<Lease, Error> {
        let mut attempt = match self.look(url)? {
            Slot::Open(number, connection) => return Ok(Lease { number, connection }),
            Slot::Connecting(_, attempt) => attempt,
        };
        match attempt.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            _ => Err(Error::connect("the attempt to connect was given up: its runtime is shutting down")),
        }
    }

    /// An origin's connection, if it has one.
    pub(crate) fn find(&self, url: &Url) -> Option<Connection> {
        match self.lock().slots(url).get(&*key(url)) {
            Some(Slot::Open(_, connection)) => Some(connection.clone()),
            _ => None,
        }
    }

    /// What this attempt has made takes no more requests; what a later one makes may.
    pub(crate) fn retire(&self, number: u64) {
        let retired = self.lock().remove(number);
        // Outside the lock: the last handle of a connection wakes its task.
        drop(retired);
    }

    /// No more connections; those that are open, to be closed.
    pub(crate) fn shut_down(&self) -> Vec<Connection> {
        let mut state = self.lock();
        state.is_shut = true;
        let (clear, secure) = (std::mem::take(&mut state.clear), std::mem::take(&mut state.secure));
        let open = |slot| match slot {
            Slot::Open(_, connection) => Some(connection),
            Slot::Connecting(..) => None,
        };
        clear.into_values().chain(secure.into_values()).filter_map(open).collect()
    }

    /// Origins that have a connection, or will.
    pub(crate) fn len(&self) -> usize {
        let state = self.lock();
        state.clear.len() + state.secure.len()
    }

    /// What serves the origin; an attempt is begun where nothing does.
    fn look(self: &Arc<Self>, url: &Url) -> Result<Slot, Error> {
        let mut state = self.lock();
        if state.is_shut {
            return Err(shut());
        }
        match state.slots(url).get(&*key(url)) {
            Some(Slot::Open(number, connection)) if connection.handle().is_open() => {
                return Ok(Slot::Open(*number, connection.clone()));
            }
            // An attempt whose runtime has ended will tell nobody anything.
            Some(Slot::Connecting(number, attempt)) if attempt.has_changed().is_ok() => {
                return Ok(Slot::Connecting(*number, attempt.clone()));
            }
            _ => {}
        }
        state.attempts += 1;
        let number = state.attempts;
        let (tell, attempt) = watch::channel(None);
        let replaced = state.slots(url).insert(key(url), Slot::Connecting(number, attempt.clone()));
        drop(state);
        drop(replaced);
        tokio::spawn(make(Arc::downgrade(self), self.connector.clone(), url.clone(), number, tell));
        Ok(Slot::Connecting(number, attempt))
    }

    /// An attempt has come to its end.
    fn made(&self, url: &Url, number: u64, made: Result<Connection, Error>) -> Result<Lease, Error> {
        let mut state = self.lock();
        let connection = match made {
            Ok(connection) => connection,
            Err(error) => {
                state.remove(number);
                return Err(error);
            }
        };
        if state.is_shut {
            drop(state);
            connection.handle().shut_down();
            return Err(shut());
        }
        if let Some(slot) = state.slots(url).get_mut(&*key(url))
            && slot.number() == number
        {
            *slot = Slot::Open(number, connection.clone());
        }
        Ok(Lease { number, connection })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt, and after it the connection's life: when that is over the origin is forgotten.
async fn make(
    origins: Weak<Origins>,
    connector: Connector,
    url: Url,
    number: u64,
    tell: watch::Sender<Option<Result<Lease, Error>>>,
) {
    let made = connector.connect(&url).await;
    let ended = made.as_ref().ok().map(Connection::ended);
    // Nobody left who could want it.
    let Some(living) = origins.upgrade() else { return };
    let outcome = living.made(&url, number, made.map_err(Error::from));
    drop(living);
    tell.send_replace(Some(outcome));
    // It holds a handle, which would keep the connection open.
    drop(tell);
    if let Some(ended) = ended {
        ended.await;
        if let Some(living) = origins.upgrade() {
            living.retire(number);
        }
    }
}

impl State {
    fn slots(&mut self, url: &Url) -> &mut HashMap<Box<[u8]>, Slot> {
        if url.is_secure() { &mut self.secure } else { &mut self.clear }
    }

    /// Forgets what this attempt has made, and nothing newer.
    fn remove(&mut self, number: u64) -> Option<Slot> {
        let mut taken = self.clear.extract_if(|_, slot| slot.number() == number);
        let found = taken.next();
        drop(taken);
        found.or_else(|| self.secure.extract_if(|_, slot| slot.number() == number).next()).map(|(_, slot)| slot)
    }
}

impl Slot {
    fn number(&self) -> u64 {
        match self {
            Self::Connecting(number, _) | Self::Open(number, _) => *number,
        }
    }
}

/// RFC 9110 §4.2.3: hosts are the same in upper and lower case.
fn key(url: &Url) -> Box<[u8]> {
    url.authority().to_ascii_lowercase().into_bytes().into_boxed_slice()
}

fn shut() -> Error {
    Error::connect("the client was shut down")
}
