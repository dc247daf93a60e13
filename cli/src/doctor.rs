//! What would keep the runbook from working, on AWS's side and on the managed stack's.
//!
//! - [`checks`] has the list of checks: whoever adds one adds an entry there, and a function that reads and one that
//!   decides.
//! - [`site`] reads what several checks need, once.
//! - [`verdict`] is what a check comes to; [`report`] puts all of them into words, or JSON.
//! - [`ring`] sends a test to each level.

pub(crate) mod checks;
pub(crate) mod report;
pub(crate) mod ring;
pub(crate) mod site;
pub(crate) mod verdict;

use std::{sync::Arc, time::Duration};

use tokio::{
    task::{Id, JoinSet},
    time::timeout,
};

use checks::Check;
use site::Site;
use verdict::{Unseen, Verdict};

/// A check, and how it turned out.
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    pub(crate) verdict: Verdict,
}

/// Makes all checks at once. One that fails, or takes longer than `patience`, is not seen; the others go on.
pub(crate) async fn examine(site: &Arc<Site>, checks: &[Check], patience: Duration) -> Vec<Finding> {
    let mut running = JoinSet::new();
    let started: Vec<(Id, &'static str)> = checks
        .iter()
        .map(|check| {
            let look = timeout(patience, (check.look)(Arc::clone(site)));
            (running.spawn(look).id(), check.name)
        })
        .collect();
    let mut ended = Vec::new();
    while let Some(done) = running.join_next_with_id().await {
        ended.push(match done {
            Ok((id, Ok(seen))) => (id, seen.unwrap_or_else(Verdict::from)),
            Ok((id, Err(_))) => (id, no_answer(patience)),
            Err(died) => (died.id(), Unseen::new(format!("the check itself failed: {died}")).into()),
        });
    }
    let verdict = |wanted: Id| ended.iter().find(|(id, _)| *id == wanted).map(|(_, verdict)| verdict.clone());
    started.into_iter().filter_map(|(id, check)| Some(Finding { check, verdict: verdict(id)? })).collect()
}

fn no_answer(patience: Duration) -> Verdict {
    Unseen::new(format!("AWS gave no answer within {} s", patience.as_secs())).into()
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, SdkConfig};

    use super::{verdict::Word, *};
    use crate::{stack::Stack, time};

    #[tokio::test]
    async fn a_check_that_fails_or_hangs_does_not_stop_the_others() {
        const CHECKS: [Check; 4] = [
            Check { name: "hangs", look: |_| Box::pin(std::future::pending()) },
            Check { name: "denied", look: |_| Box::pin(async { Err(Unseen::new("AWS denied it")) }) },
            Check { name: "dies", look: |_| Box::pin(async { unreachable!("a check that panics") }) },
            Check { name: "well", look: |_| Box::pin(async { Ok(Verdict::ok("all is well")) }) },
        ];
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let site = Arc::new(Site::new(config, Stack::default(), time::now()));
        let findings = examine(&site, &CHECKS, Duration::from_millis(50)).await;
        let words: Vec<(&str, Word)> =
            findings.iter().map(|finding| (finding.check, finding.verdict.word)).collect();
        assert_eq!(
            words,
            [("hangs", Word::Unseen), ("denied", Word::Unseen), ("dies", Word::Unseen), ("well", Word::Ok)]
        );
    }
}
