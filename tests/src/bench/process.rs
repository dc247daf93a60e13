//! What Linux says about a running process.

use std::time::Duration;

use anyhow::Context;

/// The time that its threads have spent on a processor, in user and in kernel mode, to the nanosecond
/// (`/proc/<id>/stat` counts in ticks of 10 ms).
pub(super) fn cpu(id: u32) -> anyhow::Result<Duration> {
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

/// The most memory that it has held so far, in bytes.
pub(super) fn peak_memory_bytes(id: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{id}/status");
    let text = std::fs::read_to_string(&path)?;
    let kibibytes = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kibibytes.with_context(|| format!("{path} has no VmHWM"))? * 1024)
}
