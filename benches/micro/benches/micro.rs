//! `cargo bench`: the time of one operation of every path; `cargo bench -p pellucid-micro -- huffman` of those whose names hold
//! the word.
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pellucid_micro::PATHS;

fn all(criterion: &mut Criterion) {
    for path in &PATHS {
        let (group, name) = path.name.split_once('/').expect("a group and a name");
        let mut group = criterion.benchmark_group(group);
        if path.octets > 0 {
            group.throughput(Throughput::Bytes(path.octets));
        }
        group.bench_function(name, |bencher| {
            let mut operation = (path.set_up)();
            bencher.iter(&mut operation);
        });
        group.finish();
    }
}

/// Half a minute and more for all of them: enough to see a difference of some per cent on a machine that is otherwise quiet.
fn short() -> Criterion {
    Criterion::default()
        .sample_size(40)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = benches;
    config = short();
    targets = all
}
criterion_main!(benches);
