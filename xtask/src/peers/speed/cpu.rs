//! CPU time of a process from /proc: nanoseconds of all its threads from `schedstat`, divided into user and system as the clock
//! ticks of `stat` are.

use std::fs;

/// CPU time so far, or between two looks.
pub(super) struct Cpu {
    nanoseconds: f64,
    user_ticks: f64,
    system_ticks: f64,
}

impl Cpu {
    /// What the process has used so far. Threads that have ended are forgotten by the kernel's listing; the servers here keep
    /// theirs.
    pub(super) fn of(pid: u32) -> Result<Self, String> {
        let tasks = format!("/proc/{pid}/task");
        let mut cpu = Self { nanoseconds: 0.0, user_ticks: 0.0, system_ticks: 0.0 };
        for task in fs::read_dir(&tasks).map_err(|error| format!("{tasks}: {error}"))? {
            let task = task.map_err(|error| error.to_string())?.path();
            let read = |name: &str| fs::read_to_string(task.join(name)).map_err(|error| format!("{tasks}: {error}"));
            cpu.nanoseconds += first_number(&read("schedstat")?)?;
            let (user, system) = ticks(&read("stat")?)?;
            cpu.user_ticks += user;
            cpu.system_ticks += system;
        }
        Ok(cpu)
    }

    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            nanoseconds: self.nanoseconds - before.nanoseconds,
            user_ticks: self.user_ticks - before.user_ticks,
            system_ticks: self.system_ticks - before.system_ticks,
        }
    }

    pub(super) fn total_s(&self) -> f64 {
        self.nanoseconds / 1e9
    }

    pub(super) fn user_s(&self) -> f64 {
        self.total_s() * share(self.user_ticks, self.system_ticks)
    }

    pub(super) fn system_s(&self) -> f64 {
        self.total_s() * share(self.system_ticks, self.user_ticks)
    }
}

fn share(part: f64, rest: f64) -> f64 {
    if part + rest > 0.0 { part / (part + rest) } else { 0.0 }
}

fn first_number(text: &str) -> Result<f64, String> {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).ok_or_else(|| format!("schedstat is {text:?}"))
}

/// The fields utime and stime, 14 and 15, counted behind the name in parentheses, which may contain spaces.
fn ticks(stat: &str) -> Result<(f64, f64), String> {
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let mut fields = fields.split_whitespace().skip(11).map(str::parse);
    match (fields.next(), fields.next()) {
        (Some(Ok(user)), Some(Ok(system))) => Ok((user, system)),
        _ => Err(format!("stat is {stat:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_a_name_with_spaces() {
        let stat = "42 (a (b) c) S 1 2 3 0 -1 4194560 9 0 0 0 17 23 0 0 20 0 1 0";
        assert_eq!(ticks(stat), Ok((17.0, 23.0)));
        assert!(ticks("42 (a) S").is_err());
    }
}
