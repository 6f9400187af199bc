//! The stream state machine of RFC 9113 §5.1 as a table, compared with the reviewed one in `tests/stream-states.txt`.
//!
//! After a change that is meant: run this test with `BLESS=1` and review the file's difference like code.

use std::fmt::Write;
use std::path::Path;

use pellucid_conn::h2::{Closed, Input, Refused, Scope, State};

const STATES: [State; 9] = [
    State::Idle,
    State::ReservedLocal,
    State::ReservedRemote,
    State::Open,
    State::HalfClosedLocal,
    State::HalfClosedRemote,
    State::Closed(Closed::Ended),
    State::Closed(Closed::LocalReset),
    State::Closed(Closed::PeerReset),
];

const INPUTS: [Input; 11] = [
    Input::SendHeaders,
    Input::SendData,
    Input::SendEnd,
    Input::SendReset,
    Input::SendPromise,
    Input::RecvHeaders,
    Input::RecvData,
    Input::RecvEnd,
    Input::RecvReset,
    Input::RecvWindowUpdate,
    Input::RecvPromise,
];

fn table() -> String {
    let mut table = String::new();
    for state in STATES {
        writeln!(table, "{state:?}").expect("text");
        for input in INPUTS {
            let result = match state.next(input) {
                Ok(next) if next == state => "stays".to_owned(),
                Ok(next) => format!("becomes {next:?}"),
                Err(Refused::Caller) => "our mistake".to_owned(),
                Err(Refused::Ignore) => "ignored".to_owned(),
                Err(Refused::Peer(violation)) => {
                    let scope = match violation.scope() {
                        Scope::Stream => "stream",
                        Scope::Connection => "connection",
                    };
                    format!("{scope} error {}: {violation:?}", violation.code())
                }
            };
            writeln!(table, "    {:<18}{result}", format!("{input:?}")).expect("text");
        }
    }
    table
}

/// Covers 9113:5.1-1, 9113:5.1-3, 9113:5.1-4, 9113:5.1-5, 9113:5.1-6, 9113:5.1-7, 9113:5.1-8, 9113:5.1-11
#[test]
fn the_state_machine_is_the_reviewed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stream-states.txt");
    let table = table();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &table).expect("the reviewed table is written");
    }
    let reviewed = std::fs::read_to_string(&path).expect("the reviewed table");
    assert!(table == reviewed, "the table differs from {}; it is now:\n{table}", path.display());
}

/// Covers 9113:5.1.2-1, 9113:5.1.2-2: which streams count
#[test]
fn open_and_half_closed_streams_count_and_no_others() {
    let active: Vec<_> = STATES.into_iter().filter(|state| state.is_active()).collect();
    assert_eq!(active, [State::Open, State::HalfClosedLocal, State::HalfClosedRemote]);
}
