//! The loop in mode `approve`, and beside it the terminal of a person who was told and says yes.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use drills::{Drill, Event};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::screen::{Detail, Mark, Screen};
use super::service_down::{Teller, summary};

const MODE: &str = "approve";
/// Who types: the sandbox knows its callers by their access key.
const PERSON: &str = "Ops.alice@example.com";
/// The least and the most digits of a plan's id.
const ID: std::ops::RangeInclusive<usize> = 12..=14;

/// What is to be shown next.
enum Seen {
    Event(Event),
    /// A line of the person's terminal.
    Typed(String),
}

/// Plays it for a person to watch. `program` is `lendpeak2`. An error means that it did not end as it should.
pub(super) async fn show(program: &Path, detail: Detail) -> anyhow::Result<()> {
    ensure!(program.is_file(), "there is no {}: build it by `make demo STORY=approve`", program.display());
    let drill = Drill::BadRelease;
    let screen = Screen::new(detail);
    screen
        .title(&format!("approve: {}; the functions in mode {MODE}, and one person on call", drill.title()));
    let (say, mut seen) = unbounded_channel();
    // Alive as long as something is still to be seen: of the play, or of the person.
    let beside = say.downgrade();
    let playing = async move {
        let mut see = |event: &Event| {
            // Nobody listens any more where the telling failed, which is the error that counts.
            let _ = say.send(Seen::Event(event.clone()));
        };
        drills::play(drill, MODE, &mut see).await
    };
    let telling = async {
        let (mut teller, mut url, mut person) = (Teller::new(&screen, drill), String::new(), None);
        while let Some(next) = seen.recv().await {
            match next {
                Seen::Typed(line) => screen.line(Mark::Writes, "you", &line),
                Seen::Event(event) => {
                    teller.tell(&event);
                    if let Event::Ready(here) = &event {
                        url.clone_from(here);
                    }
                    if person.is_none()
                        && let Some(plan) = waiting(&event)
                        && let Some(say) = beside.upgrade()
                    {
                        let typed = type_approval(program.to_owned(), url.clone(), plan, say);
                        person = Some(tokio::spawn(typed));
                    }
                }
            }
        }
        person.context("nobody was asked")?.await?
    };
    let (played, approved) = tokio::join!(playing, telling);
    let played = played?;
    approved.context("lendpeak2 approve")?;
    screen.title(&summary(&played));
    let faults = played.faults();
    ensure!(faults.is_empty(), "it was to go otherwise: {}", faults.join("; "));
    Ok(())
}

/// The plan that a notice asks a person about.
fn waiting(event: &Event) -> Option<String> {
    let Event::Told(notice) = event else { return None };
    let (_, after) = notice.text.split_once("approve")?;
    let is_id = |word: &&str| ID.contains(&word.len()) && word.chars().all(|digit| digit.is_ascii_hexdigit());
    after.split(|letter: char| !letter.is_ascii_alphanumeric()).find(is_id).map(str::to_owned)
}

/// Types what the notice says, and shows what the terminal shows.
async fn type_approval(
    program: PathBuf,
    url: String,
    plan: String,
    say: UnboundedSender<Seen>,
) -> anyhow::Result<()> {
    let typed = |line: String| {
        // As above.
        let _ = say.send(Seen::Typed(line));
    };
    typed(format!("$ lendpeak2 approve {plan} --yes"));
    let mut running = Command::new(&program)
        .args(["--endpoint-url", &url, "approve", &plan, "--yes"])
        .env("AWS_ACCESS_KEY_ID", PERSON)
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let (answers, progress) = (running.stdout.take(), running.stderr.take());
    tokio::try_join!(each_line(answers, &typed), each_line(progress, &typed))?;
    let ended = running.wait().await?;
    typed(format!("  (exit code {})", ended.code().unwrap_or_default()));
    ensure!(ended.success(), "it ended with {ended}");
    Ok(())
}

async fn each_line(output: Option<impl AsyncRead + Unpin>, typed: &impl Fn(String)) -> anyhow::Result<()> {
    let mut lines = BufReader::new(output.context("no output")?).lines();
    while let Some(line) = lines.next_line().await? {
        typed(line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sandbox::notices::Notice;

    use super::*;

    #[test]
    fn a_plan_is_found_in_a_notice_that_asks_for_it_and_in_no_other() {
        let told = |text: &str| {
            waiting(&Event::Told(Notice { level: 1, subject: String::new(), text: text.to_owned() }))
        };
        let asks =
            "2 tasks are replaced\nSend to lendpeak2-production-rollback: {\"approve\":\"0123456789fedc\"}";
        assert_eq!(told(asks).as_deref(), Some("0123456789fedc"));
        assert_eq!(told("Type: lendpeak2 approve 499484d277f1").as_deref(), Some("499484d277f1"));
        assert_eq!(told("approved by alice; record 20261128-195411-service-down"), None);
        assert_eq!(told(""), None);
    }
}
