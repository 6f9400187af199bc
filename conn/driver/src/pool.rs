//! Field arenas on their way from one message to the next: a request gives its arena up where it is dropped, a response takes
//! it up where it is made, and the connection gets it back when the response is sent. One pool a thread, no lock.

use std::cell::RefCell;

use pellucid_conn::Fields;

thread_local! {
    static POOL: RefCell<Vec<Fields>> = const { RefCell::new(Vec::new()) };
}

/// Arenas kept; more than a connection's worth of concurrent requests is not needed.
const KEPT: usize = 128;

/// An empty field section.
pub(crate) fn take() -> Fields {
    POOL.with(|pool| pool.try_borrow_mut().ok().and_then(|mut p| p.pop())).unwrap_or_default()
}

/// Gives an arena back.
pub(crate) fn give(mut fields: Fields) {
    if fields.allocated() == 0 || fields.allocated() > 4096 {
        return;
    }
    fields.clear();
    // A thread that is ending has no pool any more.
    let _ = POOL.try_with(|pool| {
        if let Ok(mut pool) = pool.try_borrow_mut()
            && pool.len() < KEPT
        {
            pool.push(fields);
        }
    });
}
