//! The window estimate on a simulated path: it finds the bandwidth-delay product, stops there, stays below its cap, and
//! does not follow a queue that it fills itself.

use pellucid_flow::Autotune;
use proptest::prelude::*;

const SECOND_NS: u64 = 1_000_000_000;
const MS_NS: u64 = 1_000_000;

/// A path of `rate` octets a second and `rtt_ns`, with a sender that always has more to send.
struct Path {
    rate: u64,
    rtt_ns: u64,
}

/// What a simulated transfer showed.
#[derive(Debug)]
struct Outcome {
    target: u32,
    probes: usize,
}

impl Path {
    fn bandwidth_delay(&self) -> u64 {
        self.rate * self.rtt_ns / SECOND_NS
    }

    /// One window at most is on the way in each round trip, and what exceeds the path's rate queues and lengthens it.
    fn round_trip_ns(&self, window: u32) -> u64 {
        self.rtt_ns.max(u64::from(window) * SECOND_NS / self.rate)
    }

    /// Data arrives evenly, in a hundred pieces a round trip, for `trips` round trips.
    fn transfer(&self, tune: &mut Autotune, trips: usize) -> Outcome {
        let (mut now_ns, mut probes) = (0, 0);
        let mut ack_ns = None;
        for _ in 0..trips {
            let window = tune.target();
            let trip_ns = self.round_trip_ns(window);
            for _ in 0..100 {
                now_ns += trip_ns / 100;
                if ack_ns.is_some_and(|at| at <= now_ns) {
                    ack_ns = None;
                    let _ = tune.on_ack(now_ns);
                }
                if tune.on_data(window.div_ceil(100), now_ns).is_some() {
                    probes += 1;
                    ack_ns = Some(now_ns + trip_ns);
                }
            }
        }
        Outcome { target: tune.target(), probes }
    }
}

#[test]
fn a_long_fat_path_is_filled_within_a_few_round_trips() {
    let path = Path { rate: 125_000_000, rtt_ns: 50 * MS_NS };
    let mut tune = Autotune::new(65_535, 16 << 20);
    let outcome = path.transfer(&mut tune, 20);
    let bandwidth_delay = path.bandwidth_delay();
    assert_eq!(bandwidth_delay, 6_250_000);
    assert!(u64::from(outcome.target) >= bandwidth_delay, "{outcome:?}");
    assert!(u64::from(outcome.target) <= 3 * bandwidth_delay, "{outcome:?}");
}

#[test]
fn a_short_path_keeps_its_window() {
    let path = Path { rate: 10_000_000, rtt_ns: MS_NS };
    let mut tune = Autotune::new(65_535, 16 << 20);
    let outcome = path.transfer(&mut tune, 1_000);
    assert!(outcome.target <= 2 * 65_535, "a queue of our own making is not capacity: {outcome:?}");
}

#[test]
fn probing_falls_silent_when_there_is_nothing_to_learn() {
    let path = Path { rate: 10_000_000, rtt_ns: MS_NS };
    let mut tune = Autotune::new(1 << 20, 16 << 20);
    let outcome = path.transfer(&mut tune, 1_000);
    assert!(outcome.probes < 40, "1,000 round trips in about 200 s: {outcome:?}");
}

#[test]
fn probing_ends_at_the_cap() {
    let mut tune = Autotune::new(1_000, 1_000);
    assert_eq!(tune.on_data(1_000, 0), None);
    let mut tune = Autotune::new(1_000, 3_000);
    assert!(tune.on_data(1, 0).is_some());
    assert_eq!(tune.on_data(1_000_000, 1), None, "one probe at a time");
    assert_eq!(tune.on_ack(MS_NS), Some(3_000));
    assert_eq!(tune.on_data(1_000_000, 2 * MS_NS), None);
}

#[test]
fn two_thirds_of_the_target_in_a_round_trip_are_near_it() {
    for (octets, expected) in [(1_999, None), (2_000, Some(4_000))] {
        let mut tune = Autotune::new(3_000, 1 << 20);
        assert!(tune.on_data(1, 0).is_some());
        assert_eq!(tune.on_data(octets, 1), None);
        assert_eq!(tune.on_ack(MS_NS), expected);
    }
}

#[test]
fn the_round_trip_time_is_smoothed() {
    let mut tune = Autotune::new(1_000_000, 2_000_000);
    assert_eq!(tune.rtt_ns(), None);
    assert!(tune.on_data(1, 0).is_some());
    assert_eq!(tune.on_ack(8 * MS_NS), None);
    assert_eq!(tune.rtt_ns(), Some(8 * MS_NS));
    assert!(tune.on_data(1, SECOND_NS).is_some());
    assert_eq!(tune.on_ack(SECOND_NS + 16 * MS_NS), None);
    assert_eq!(tune.rtt_ns(), Some(9 * MS_NS));
}

#[test]
fn an_ack_without_a_probe_teaches_nothing() {
    let mut tune = Autotune::new(1_000, 2_000);
    assert_eq!(tune.on_ack(5), None);
    assert_eq!((tune.rtt_ns(), tune.target()), (None, 1_000));
}

proptest! {
    #[test]
    fn every_path_is_filled_and_no_cap_is_passed(
        rate in 1_000_000..1_000_000_000_u64,
        rtt_ms in 1..200_u64,
        start in 16_384..1_048_576_u32,
    ) {
        let path = Path { rate, rtt_ns: rtt_ms * MS_NS };
        let cap = 16 << 20;
        let mut tune = Autotune::new(start, cap);
        let outcome = path.transfer(&mut tune, 60);
        let reachable = path.bandwidth_delay().min(u64::from(cap)) * 8 / 10;
        prop_assert!(u64::from(outcome.target) >= reachable, "{:?} of {}", outcome, path.bandwidth_delay());
        prop_assert!(outcome.target <= cap);
        // The last step starts below 8/9 of the product and doubles twice: once to fill the path, once to see it full.
        let bound = (4 * path.bandwidth_delay()).max(3 * u64::from(start));
        prop_assert!(u64::from(outcome.target) <= bound, "{:?} of {}", outcome, path.bandwidth_delay());
    }

    #[test]
    fn the_target_never_shrinks(
        start in any::<u32>(),
        cap in any::<u32>(),
        turns in prop::collection::vec((any::<bool>(), any::<u32>(), any::<u64>()), 1..100),
    ) {
        let mut tune = Autotune::new(start, cap);
        for (is_ack, octets, now_ns) in turns {
            let before = tune.target();
            if is_ack {
                let target = tune.on_ack(now_ns);
                prop_assert!(target.is_none_or(|target| before < target && target <= cap));
                prop_assert_eq!(tune.target(), target.unwrap_or(before));
            } else {
                let _ = tune.on_data(octets, now_ns);
                prop_assert_eq!(tune.target(), before);
            }
        }
    }
}
