//! What Linux says about a running process.

use std::time::Duration;

use anyhow::Context;

/// The time that its threads have spent on a processor, in user and in kernel mode.
pub(super) fn cpu(id: u32) -> anyhow::Result<Duration> {
    // The former does not know of threads that have ended; the latter counts in ticks, and down.
    Ok(of_running_threads(id)?.max(of_all_threads(id)?))
}

/// To the nanosecond.
fn of_running_threads(id: u32) -> anyhow::Result<Duration> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir(format!("/proc/{id}/task"))? {
        let path = thread?.path().join("schedstat");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let on_processor = text.split_whitespace().next().and_then(|number| number.parse::<u64>().ok());
        nanoseconds += on_processor.with_context(|| format!("{} says `{text}`", path.display()))?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn of_all_threads(id: u32) -> anyhow::Result<Duration> {
    /// The same on all of Linux's platforms that matter here.
    const TICK: Duration = Duration::from_millis(10);
    /// Counted from the one after the name, which is in brackets and may hold anything.
    const USER_AND_KERNEL: [usize; 2] = [11, 12];
    let path = format!("/proc/{id}/stat");
    let text = std::fs::read_to_string(&path)?;
    let fields: Vec<&str> =
        text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let ticks = USER_AND_KERNEL.map(|place| fields.get(place).and_then(|field| field.parse::<u32>().ok()));
    let ticks: Option<u32> = ticks.into_iter().sum();
    Ok(TICK * ticks.with_context(|| format!("{path} says `{text}`"))?)
}

/// The most memory that it has held so far, in bytes.
pub(super) fn peak_memory_bytes(id: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{id}/status");
    let text = std::fs::read_to_string(&path)?;
    let kibibytes = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kibibytes.with_context(|| format!("{path} has no VmHWM"))? * 1024)
}
