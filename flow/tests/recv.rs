//! Windows the peer sends by: the ledger's sum, when an update is announced, and that sender and receiver agree however
//! long their frames take (RFC 9113 §6.9, §6.9.2).

use std::collections::VecDeque;

use pellucid_flow::{DEFAULT_WINDOW, InitialWindow, MAX_WINDOW, Overflow, RecvWindow, SendWindow};
use proptest::prelude::*;

#[test]
fn the_peer_may_use_its_window_to_the_last_octet_and_no_further() {
    let mut window = RecvWindow::new(100, 100);
    assert_eq!(window.receive(101), Err(Overflow));
    assert_eq!(window.receive(100), Ok(()));
    assert_eq!(window.receive(1), Err(Overflow));
    assert_eq!(window.receive(0), Ok(()), "an empty frame needs no window");
    assert_eq!((window.window(), window.unreleased(), window.sum()), (0, 100, 100));
}

#[test]
fn the_first_update_announces_what_the_peer_does_not_assume() {
    let mut window = RecvWindow::new(DEFAULT_WINDOW, 1 << 20);
    assert_eq!(window.take_update(), Some((1 << 20) - DEFAULT_WINDOW));
    assert_eq!(window.window(), 1 << 20);
    assert!(!window.has_update());
    assert_eq!(window.take_update(), None);
}

#[test]
fn updates_wait_for_half_the_target() {
    let mut window = RecvWindow::new(1_000, 1_000);
    assert_eq!(window.receive(600), Ok(()));
    window.release(499);
    assert_eq!(window.take_update(), None);
    window.release(1);
    assert_eq!(window.take_update(), Some(500));
    assert_eq!(window.take_update(), None);
    assert_eq!(window.unreleased(), 100);
}

#[test]
fn a_quarter_is_enough_when_the_peer_is_about_to_stall() {
    let mut window = RecvWindow::new(1_000, 1_000);
    assert_eq!(window.receive(1_000), Ok(()));
    window.release(249);
    assert_eq!(window.take_update(), None);
    window.release(1);
    assert_eq!(window.take_update(), Some(250));
}

#[test]
fn a_tiny_target_is_announced_octet_by_octet() {
    let mut window = RecvWindow::new(1, 1);
    assert!(!window.has_update());
    assert_eq!(window.receive(1), Ok(()));
    assert!(!window.has_update());
    window.release(1);
    assert_eq!(window.take_update(), Some(1));
}

#[test]
fn a_smaller_target_withholds_credit_and_takes_none_back() {
    let mut window = RecvWindow::new(1_000, 1_000);
    window.set_target(400);
    assert_eq!(window.window(), 1_000, "what was granted stays granted");
    assert_eq!(window.receive(1_000), Ok(()));
    window.release(600);
    assert_eq!(window.take_update(), None);
    window.release(400);
    assert_eq!(window.take_update(), Some(400));
    assert_eq!((window.window(), window.sum()), (400, 400));
}

#[test]
fn a_larger_target_is_credit_to_announce() {
    let mut window = RecvWindow::new(1_000, 1_000);
    window.set_target(3_000);
    assert_eq!(window.take_update(), Some(2_000));
    assert_eq!(window.window(), 3_000);
}

#[test]
fn a_lower_initial_window_leaves_a_negative_one_that_recovers() {
    let mut window = RecvWindow::new(DEFAULT_WINDOW, DEFAULT_WINDOW);
    assert_eq!(window.receive(60_000), Ok(()));
    window.rebase(DEFAULT_WINDOW, 0);
    assert_eq!(window.window(), 5_535 - i64::from(DEFAULT_WINDOW));
    assert_eq!(window.receive(0), Ok(()));
    assert_eq!(window.receive(1), Err(Overflow));
    assert_eq!(window.take_update(), Some(DEFAULT_WINDOW), "the target is still what it was");
    assert_eq!(window.window(), 5_535);
}

#[test]
fn an_increment_never_passes_the_largest_one() {
    let mut window = RecvWindow::new(MAX_WINDOW, MAX_WINDOW);
    assert_eq!(window.receive(MAX_WINDOW), Ok(()));
    window.rebase(MAX_WINDOW, 0);
    window.release(MAX_WINDOW);
    assert_eq!(window.unannounced(), 2 * i64::from(MAX_WINDOW));
    assert_eq!(window.take_update(), Some(MAX_WINDOW));
    assert_eq!(window.take_update(), Some(MAX_WINDOW));
    assert_eq!(window.window(), i64::from(MAX_WINDOW));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Receive(u32),
    Release(u32),
    Update,
    Target(u32),
    Initial(u32),
}

fn size() -> impl Strategy<Value = u32> {
    prop_oneof![0..100_000_u32, MAX_WINDOW - 100_000..=MAX_WINDOW, 0..=MAX_WINDOW]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => size().prop_map(Step::Receive),
        4 => size().prop_map(Step::Release),
        2 => Just(Step::Update),
        1 => size().prop_map(Step::Target),
        1 => size().prop_map(Step::Initial),
    ]
}

proptest! {
    #[test]
    fn credit_only_moves(start in size(), target in size(), steps in prop::collection::vec(step(), 1..80)) {
        let (mut window, mut initial) = (RecvWindow::new(start, target), start);
        for step in steps {
            let before = window;
            match step {
                Step::Receive(octets) => {
                    let is_allowed = octets == 0 || i64::from(octets) <= window.window();
                    prop_assert_eq!(window.receive(octets).is_ok(), is_allowed);
                    prop_assert!(is_allowed || window == before, "a refused frame changes nothing");
                }
                Step::Release(octets) => window.release(octets.min(window.unreleased())),
                Step::Update => {
                    let has_update = window.has_update();
                    let update = window.take_update();
                    prop_assert_eq!(update.is_some(), has_update);
                    prop_assert!(update.is_none_or(|octets| (1..=MAX_WINDOW).contains(&octets)));
                    prop_assert!(update.is_none() || window.window() <= i64::from(MAX_WINDOW));
                }
                Step::Target(to) => window.set_target(to),
                Step::Initial(to) => {
                    window.rebase(initial, to);
                    initial = to;
                }
            }
            prop_assert_eq!(window.sum(), i64::from(window.target()));
        }
    }

    #[test]
    fn what_is_released_comes_back(target in 1..=MAX_WINDOW, parts in prop::collection::vec(size(), 1..50)) {
        let mut window = RecvWindow::new(target, target);
        for part in parts {
            let octets = part.min(u32::try_from(window.window()).unwrap_or(0));
            prop_assert_eq!(window.receive(octets), Ok(()));
            window.release(octets);
            let _ = window.take_update();
            prop_assert!(window.window() * 2 >= i64::from(target), "an application that reads never stalls its peer");
        }
    }
}

/// A frame on its way, in either direction.
#[derive(Clone, Copy, Debug)]
enum Frame {
    Data(u32),
    WindowUpdate(u32),
    InitialWindowSize(u32),
    SettingsAck,
}

/// A sender and a receiver of one stream with two wires between them, each in order and as slow as the test likes.
struct Pair {
    sender: SendWindow,
    sender_initial: InitialWindow,
    receiver: RecvWindow,
    acknowledged: u32,
    announced: VecDeque<u32>,
    to_receiver: VecDeque<Frame>,
    to_sender: VecDeque<Frame>,
}

#[derive(Clone, Copy, Debug)]
enum Turn {
    Send(u32),
    DeliverToReceiver,
    DeliverToSender,
    Release(u32),
    Announce,
    Target(u32),
    Initial(u32),
}

impl Pair {
    fn new() -> Self {
        Self {
            sender: SendWindow::new(),
            sender_initial: InitialWindow::new(),
            receiver: RecvWindow::new(DEFAULT_WINDOW, DEFAULT_WINDOW),
            acknowledged: DEFAULT_WINDOW,
            announced: VecDeque::new(),
            to_receiver: VecDeque::new(),
            to_sender: VecDeque::new(),
        }
    }

    fn take(&mut self, turn: Turn) -> Result<(), Overflow> {
        match turn {
            Turn::Send(octets) => {
                let octets = octets.min(self.sender.usable(self.sender_initial.get()));
                self.sender.consume(octets);
                self.to_receiver.push_back(Frame::Data(octets));
            }
            Turn::DeliverToReceiver => return self.deliver_to_receiver(),
            Turn::DeliverToSender => return self.deliver_to_sender(),
            Turn::Release(octets) => self.receiver.release(octets.min(self.receiver.unreleased())),
            Turn::Announce => self.to_sender.extend(self.receiver.take_update().map(Frame::WindowUpdate)),
            Turn::Target(to) => self.receiver.set_target(to),
            Turn::Initial(to) => {
                self.announced.push_back(to);
                self.to_sender.push_back(Frame::InitialWindowSize(to));
            }
        }
        Ok(())
    }

    fn deliver_to_receiver(&mut self) -> Result<(), Overflow> {
        match self.to_receiver.pop_front() {
            Some(Frame::Data(octets)) => self.receiver.receive(octets)?,
            Some(Frame::SettingsAck) => {
                let to = self.announced.pop_front().unwrap_or(self.acknowledged);
                self.receiver.rebase(self.acknowledged, to);
                self.acknowledged = to;
            }
            Some(Frame::WindowUpdate(_) | Frame::InitialWindowSize(_)) | None => {}
        }
        Ok(())
    }

    fn deliver_to_sender(&mut self) -> Result<(), Overflow> {
        match self.to_sender.pop_front() {
            Some(Frame::WindowUpdate(octets)) => {
                self.sender.grow(self.sender_initial.get(), octets)?;
                self.sender_initial.note(self.sender.delta());
            }
            Some(Frame::InitialWindowSize(to)) => {
                self.sender_initial.change(to, [self.sender.delta()])?;
                self.to_receiver.push_back(Frame::SettingsAck);
            }
            Some(Frame::Data(_) | Frame::SettingsAck) | None => {}
        }
        Ok(())
    }
}

fn turn() -> impl Strategy<Value = Turn> {
    // Below 2^29, so that a target and a change of the initial window under way together stay below 2^31.
    let size = || prop_oneof![0..100_000_u32, 0..1_u32 << 29];
    prop_oneof![
        4 => size().prop_map(Turn::Send),
        6 => Just(Turn::DeliverToReceiver),
        6 => Just(Turn::DeliverToSender),
        4 => size().prop_map(Turn::Release),
        4 => Just(Turn::Announce),
        1 => size().prop_map(Turn::Target),
        1 => size().prop_map(Turn::Initial),
    ]
}

proptest! {
    #[test]
    fn sender_and_receiver_agree_under_any_delay(turns in prop::collection::vec(turn(), 1..200)) {
        let mut pair = Pair::new();
        for turn in turns {
            prop_assert_eq!(pair.take(turn), Ok(()), "an honest peer is never accused");
        }
        while !pair.to_receiver.is_empty() || !pair.to_sender.is_empty() {
            prop_assert_eq!(pair.take(Turn::DeliverToSender), Ok(()));
            prop_assert_eq!(pair.take(Turn::DeliverToReceiver), Ok(()));
        }
        prop_assert_eq!(pair.sender.available(pair.sender_initial.get()), pair.receiver.window());
        prop_assert_eq!(pair.sender_initial.get(), pair.acknowledged);
    }
}
