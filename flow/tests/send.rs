//! Windows we send by: boundaries, negative windows, and the constant-time change of the initial window against one that
//! walks every stream (RFC 9113 §6.9.1, §6.9.2).

use pellucid_flow::{Change, ConnectionSendWindow, DEFAULT_WINDOW, InitialWindow, MAX_WINDOW, Overflow, SendWindow};
use proptest::prelude::*;

/// An initial window of `octets` with no stream to mind.
fn initial(octets: u32) -> InitialWindow {
    let mut initial = InitialWindow::new();
    assert!(initial.change(octets, []).is_ok());
    initial
}

#[test]
fn a_window_update_to_the_maximum_fits_and_one_octet_more_does_not() {
    let mut window = SendWindow::new();
    assert_eq!(window.grow(DEFAULT_WINDOW, MAX_WINDOW - DEFAULT_WINDOW + 1), Err(Overflow));
    assert_eq!(window.available(DEFAULT_WINDOW), i64::from(DEFAULT_WINDOW), "a refused update changes nothing");
    assert_eq!(window.grow(DEFAULT_WINDOW, MAX_WINDOW - DEFAULT_WINDOW), Ok(()));
    assert_eq!(window.usable(DEFAULT_WINDOW), MAX_WINDOW);
    assert_eq!(window.grow(DEFAULT_WINDOW, 1), Err(Overflow));
}

#[test]
fn the_largest_increment_fits_an_empty_window_exactly() {
    let mut window = SendWindow::new();
    assert_eq!(window.grow(0, MAX_WINDOW), Ok(()));
    assert_eq!(window.usable(0), MAX_WINDOW);
    window.consume(MAX_WINDOW);
    assert_eq!(window.available(0), 0);
}

#[test]
fn the_connection_window_ends_at_the_same_boundary() {
    let mut window = ConnectionSendWindow::new();
    assert_eq!(window.available(), DEFAULT_WINDOW);
    window.consume(DEFAULT_WINDOW);
    assert_eq!(window.grow(MAX_WINDOW), Ok(()));
    assert_eq!(window.grow(1), Err(Overflow));
    window.consume(1);
    assert_eq!(window.grow(1), Ok(()));
    assert_eq!(window.available(), MAX_WINDOW);
}

#[test]
fn lowering_the_initial_window_makes_a_used_window_negative() {
    let mut initial = initial(DEFAULT_WINDOW);
    let mut window = SendWindow::new();
    window.consume(60_000);
    assert_eq!(initial.change(0, [window.delta()]), Ok(Change::DidNotGrow));
    assert_eq!(window.available(initial.get()), -60_000);
    assert_eq!(window.usable(initial.get()), 0);

    assert_eq!(window.grow(initial.get(), 60_000), Ok(()), "back to zero, still nothing to send");
    assert_eq!(window.usable(initial.get()), 0);
    initial.note(window.delta());
    assert_eq!(initial.change(DEFAULT_WINDOW, [window.delta()]), Ok(Change::Grew));
    assert_eq!(window.usable(initial.get()), DEFAULT_WINDOW);
}

#[test]
fn a_setting_that_overflows_one_stream_is_refused_and_changes_nothing() {
    let mut initial = initial(100);
    let mut window = SendWindow::new();
    assert_eq!(window.grow(initial.get(), 1), Ok(()));
    initial.note(window.delta());
    assert_eq!(initial.change(MAX_WINDOW, [window.delta()]), Err(Overflow));
    assert_eq!(initial.get(), 100);
    assert_eq!(initial.change(MAX_WINDOW - 1, [window.delta()]), Ok(Change::Grew));
    assert_eq!(window.usable(initial.get()), MAX_WINDOW);
}

#[test]
fn the_same_setting_again_wakes_nobody() {
    assert_eq!(InitialWindow::new().change(DEFAULT_WINDOW, []), Ok(Change::DidNotGrow));
    assert_eq!(InitialWindow::new().change(DEFAULT_WINDOW + 1, []), Ok(Change::Grew));
}

#[test]
fn a_setting_above_the_maximum_is_refused_even_without_streams() {
    assert_eq!(InitialWindow::new().change(MAX_WINDOW + 1, []), Err(Overflow));
    assert_eq!(InitialWindow::new().change(u32::MAX, []), Err(Overflow));
    assert_eq!(initial(MAX_WINDOW).get(), MAX_WINDOW);
}

#[test]
fn streams_are_walked_only_when_the_bound_would_overflow() {
    let mut initial = initial(0);
    initial.note(1_000);
    let mut walked = 0;
    let limit = MAX_WINDOW - 1_000;
    for to in [1, 65_535, limit, 0, limit] {
        assert!(initial.change(to, std::iter::once(0).inspect(|_| walked += 1)).is_ok());
    }
    assert_eq!(walked, 0, "the bound proved every one of them");
    assert!(initial.change(limit + 1, std::iter::once(5).inspect(|_| walked += 1)).is_ok());
    assert_eq!(walked, 1, "the stream that had set the bound is gone");
    assert!(initial.change(MAX_WINDOW - 5, std::iter::once(5).inspect(|_| walked += 1)).is_ok());
    assert_eq!(walked, 1, "and the bound is exact again");
}

/// What the RFC says literally: every window is a number, and a new setting is added to each.
#[derive(Debug, Default)]
struct Walked {
    initial: i64,
    windows: Vec<i64>,
}

impl Walked {
    fn change(&mut self, to: u32) -> Result<(), Overflow> {
        let difference = i64::from(to) - self.initial;
        let largest = self.windows.iter().copied().max().unwrap_or(0);
        if largest + difference > i64::from(MAX_WINDOW) {
            return Err(Overflow);
        }
        self.windows.iter_mut().for_each(|window| *window += difference);
        self.initial = i64::from(to);
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Open,
    Close(usize),
    Send(usize, u32),
    Update(usize, u32),
    Setting(u32),
}

/// Sizes gather at the ends, where the boundaries are.
fn size() -> impl Strategy<Value = u32> {
    prop_oneof![0..200_000_u32, MAX_WINDOW - 200_000..=MAX_WINDOW, 0..=MAX_WINDOW]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Open),
        (0..8_usize).prop_map(Step::Close),
        (0..8_usize, size()).prop_map(|(at, octets)| Step::Send(at, octets)),
        (0..8_usize, size()).prop_map(|(at, octets)| Step::Update(at, octets)),
        size().prop_map(Step::Setting),
    ]
}

proptest! {
    #[test]
    fn relative_windows_equal_walked_ones(steps in prop::collection::vec(step(), 1..60)) {
        let mut walked = Walked { initial: i64::from(DEFAULT_WINDOW), windows: Vec::new() };
        let mut initial = InitialWindow::new();
        let mut windows: Vec<SendWindow> = Vec::new();
        for step in steps {
            match step {
                Step::Open => {
                    windows.push(SendWindow::new());
                    walked.windows.push(walked.initial);
                }
                Step::Close(at) if at < windows.len() => {
                    windows.swap_remove(at);
                    walked.windows.swap_remove(at);
                }
                Step::Send(at, octets) if at < windows.len() => {
                    let octets = octets.min(windows[at].usable(initial.get()));
                    windows[at].consume(octets);
                    walked.windows[at] -= i64::from(octets);
                }
                Step::Update(at, octets) if at < windows.len() => {
                    let fits = walked.windows[at] + i64::from(octets) <= i64::from(MAX_WINDOW);
                    prop_assert_eq!(windows[at].grow(initial.get(), octets).is_ok(), fits);
                    initial.note(windows[at].delta());
                    walked.windows[at] += if fits { i64::from(octets) } else { 0 };
                }
                Step::Setting(to) => {
                    let grows = i64::from(to) > walked.initial;
                    let expected = walked.change(to).map(|()| if grows { Change::Grew } else { Change::DidNotGrow });
                    let deltas = windows.iter().map(|window| window.delta());
                    prop_assert_eq!(initial.change(to, deltas), expected);
                }
                Step::Close(_) | Step::Send(..) | Step::Update(..) => {}
            }
            let available: Vec<i64> = windows.iter().map(|window| window.available(initial.get())).collect();
            prop_assert_eq!(&available, &walked.windows);
            prop_assert!(available.iter().all(|octets| *octets <= i64::from(MAX_WINDOW)));
        }
    }
}
