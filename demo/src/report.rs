//! The table at the end of the demo, and what it counts.

use sandbox::gateway::Call;

use super::screen::Screen;
use super::story::Facts;

pub(super) fn table(screen: &Screen, before: &Facts, worst: &Facts, after: &Facts) {
    screen.title("Before and after");
    screen.say(&format!("  {:<18} {:>19} {:>19} {:>19}", "", "before", "worst", "after"));
    for ((name, before), ((_, worst), (_, after))) in before.iter().zip(worst.iter().zip(after)) {
        screen.say(&format!("  {name:<18} {before:>19} {worst:>19} {after:>19}"));
    }
}

/// Writes that are not the audit record's.
pub(super) fn writes_outside_the_ledger(calls: &[Call]) -> Vec<String> {
    let writes = calls.iter().filter(|call| !call.is_read() && call.operation != "Invoke");
    writes.filter(|call| call.service != "dynamodb").map(Call::name).collect()
}
