//! Replication lag: readers answer with old data.

use super::{Rule, database::larger};
use crate::{
    evidence::{Evidence, Instance, Series, name, size},
    finding::{
        Confidence::{Certain, Likely},
        Finding,
        Impact::Degraded,
        Level::{DevOps, Development},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "lag_on_one_reader",
        find: lag_on_one_reader,
        looks_at: "DBInstanceReplicaLag of each reader, the middle of the last three periods: 1000 ms or \
                   more for one, less for another. Usually it is below 100 ms. The writer and its load are \
                   the same for all, so the reader is at fault.",
        otherwise: "restart it, as the other readers serve meanwhile: aws docdb reboot-db-instance \
                    --db-instance-identifier <reader>",
        helped: CAUGHT_UP,
    },
    Rule {
        cause: "lag_on_all_readers",
        find: lag_on_all_readers,
        looks_at: "The same lag, 1000 ms or more for every reader, or in DBClusterReplicaLagMaximum where \
                   the readers' own was not seen. What all share is the writer and what is written. With one \
                   reader only, nothing shows which of both it is, and what helps is the same.",
        otherwise: "end the longest write, in mongosh on <writer>: db.adminCommand({currentOp: 1}), then \
                    db.adminCommand({killOp: 1, op: <opid>})",
        helped: CAUGHT_UP,
    },
    Rule {
        cause: "write_burst",
        find: write_burst,
        looks_at: "VolumeWriteIOPs beside a reader that is 1000 ms or more behind: three times the usual, \
                   and at least 3,000 in 5 minutes. Every write has to reach the readers, so they fall \
                   behind when there are far more.",
        otherwise: "read what must be fresh from the writer (readPreference primary in the connection \
                    string) until the job is over",
        helped: CAUGHT_UP,
    },
    Rule {
        cause: "small_instance",
        find: small_instance,
        looks_at: "A reader that is 1000 ms or more behind, and is of a smaller size than the writer, or \
                   uses 90 % of its CPU, or has less than a tenth of its usual free memory. All readers get \
                   the same writes; this one has too little to follow them. Where another of its class \
                   keeps up, the queries on this one are the cause: lag_on_one_reader.",
        otherwise: "add a reader of the writer's class: aws docdb create-db-instance --db-cluster-identifier \
                    <db-cluster> --db-instance-identifier <new-name> --db-instance-class <class> --engine \
                    docdb",
        helped: CAUGHT_UP,
    },
];

const CAUGHT_UP: &str = "the readers' DBInstanceReplicaLag (CloudWatch, AWS/DocDB) is below 1000 ms in three \
                         periods of 5 minutes";

/// Usually it is much less than 100 ms, by AWS; a second is what a person notices who saves and looks.
const HIGH_MS: f64 = 1_000.0;

fn lag_on_one_reader(evidence: &Evidence) -> Option<Finding> {
    let readers = readers(evidence);
    let (behind, in_step): (Vec<Reader>, Vec<Reader>) = readers.into_iter().partition(Reader::is_behind);
    let worst = behind.iter().max_by(|one, other| one.ms.total_cmp(&other.ms))?;
    let fine = in_step.iter().max_by(|one, other| one.ms.total_cmp(&other.ms))?;
    Some(
        worst
            .fact(Finding::new(
                Certain,
                Degraded,
                format!("reader {} is {:.1} s behind, while {} is not", names(&behind), worst.ms / 1_000.0, names(&in_step)),
            ))
            .since(worst.since())
            .fact(LAG, format!("lag of {}", fine.instance), format!("{:.0} ms", fine.ms))
            .at(fine.series.newest_at())
            .next(
                DevOps,
                format!(
                    "end long queries on {}, in mongosh there: db.adminCommand({{currentOp: 1}}), then db.adminCommand({{killOp: 1, op: <opid>}})",
                    worst.instance
                ),
            )
            .otherwise(format!(
                "restart it, as the other readers serve meanwhile: aws docdb reboot-db-instance --db-instance-identifier {}",
                worst.instance
            )),
    )
}

/// Also for a single reader: nothing shows then that the reader is the cause, but the same steps help.
fn lag_on_all_readers(evidence: &Evidence) -> Option<Finding> {
    let behind = readers(evidence);
    if !behind.iter().all(Reader::is_behind) {
        return None;
    }
    let finding = if let Some(worst) = behind.iter().max_by(|one, other| one.ms.total_cmp(&other.ms)) {
        let who = match behind.len() {
            1 => format!("the only reader {} is", worst.instance),
            _ => format!("all readers ({}) are", names(&behind)),
        };
        let what = format!("{who} behind the writer, by up to {:.1} s", worst.ms / 1_000.0);
        worst.fact(Finding::new(Certain, Degraded, what)).since(worst.since())
    } else {
        let series = evidence.recent(name::DB_LAG_MAX)?;
        let ms = series.now().filter(|ms| *ms >= HIGH_MS)?;
        Finding::new(Likely, Degraded, format!("readers are up to {:.1} s behind the writer", ms / 1_000.0))
            .since(series.since_when(|ms| ms >= HIGH_MS))
            .fact("CloudWatch, DocDB DBClusterReplicaLagMaximum", "longest lag", format!("{ms:.0} ms"))
            .against(format!("{HIGH_MS} ms"))
            .at(series.newest_at())
    };
    Some(finding.next(
        Development,
        "read what must be fresh from the writer until the lag is gone: set readPreference=primary in the connection string and deploy; then look for long transactions and many writes on <writer>, in mongosh: db.adminCommand({currentOp: 1})",
    ))
}

fn write_burst(evidence: &Evidence) -> Option<Finding> {
    const TIMES: f64 = 3.0;
    /// In five minutes; 10 a second are no burden for the smallest reader.
    const FEW: f64 = 3_000.0;
    let worst = worst(evidence)?;
    let writes = evidence.recent(name::DB_WRITES)?;
    let (now, usual) = (writes.now()?, writes.usual()?);
    let high = (usual * TIMES).max(FEW);
    if now < high {
        return None;
    }
    let finding = Finding::new(
        Likely,
        Degraded,
        format!("far more is written than usual ({now:.0} in 5 min instead of {usual:.0}), and readers do not keep up"),
    )
    .since(writes.since_when(|writes| writes >= high))
    .fact("CloudWatch, DocDB VolumeWriteIOPs", "write operations in 5 min", format!("{now:.0}"))
    .against(format!("usually {usual:.0}"))
    .at(writes.newest_at());
    Some(worst.fact(finding).next(
        Development,
        "find the job that writes so much, in mongosh on <writer> (db.adminCommand({currentOp: 1}) shows namespace and client); stop it, or have it write less at a time",
    ))
}

fn small_instance(evidence: &Evidence) -> Option<Finding> {
    /// At this load the reader cannot keep up.
    const BUSY_PERCENT: f64 = 90.0;
    /// `DocumentDB` turns work away when memory gets short, and keeps some free until then.
    const MEMORY_LEFT: f64 = 0.1;
    let behind: Vec<Reader> = readers(evidence).into_iter().filter(Reader::is_behind).collect();
    let of = |metric: &str, reader: &Reader| evidence.recent(&format!("{metric}/{}", reader.instance));
    // Another of its class keeps up: the load is on this one alone.
    let has_equal = |reader: &Reader| {
        let instances = evidence.database.as_ref().map_or(&[][..], |database| &database.instances);
        let class = |name: &str| instances.iter().find(|instance| instance.name == name).map(|it| &it.class);
        readers(evidence).iter().any(|other| {
            !other.is_behind() && class(other.instance).is_some_and(|it| Some(it) == class(reader.instance))
        })
    };
    behind.iter().filter(|reader| !has_equal(reader)).find_map(|reader| {
        let instances = evidence.database.as_ref().map_or(&[][..], |database| &database.instances);
        let own = instances.iter().find(|instance| instance.name == reader.instance);
        let writer = instances.iter().find(|instance| instance.is_writer);
        let smaller = own.zip(writer).filter(|(own, writer)| is_smaller(own, writer));
        let cpu = of(name::DB_CPU, reader);
        let busy = cpu.and_then(|cpu| Some((cpu, cpu.now().filter(|percent| *percent >= BUSY_PERCENT)?)));
        let memory = of(name::DB_MEMORY, reader);
        let short = memory.and_then(|memory| {
            let (now, usual) = (memory.now()?, memory.usual()?);
            (now < usual * MEMORY_LEFT).then_some((memory, now, usual))
        });
        let name = reader.instance;
        let why = match (smaller, busy, short) {
            (Some((own, writer)), ..) => format!("{} beside the writer's {}", own.class, writer.class),
            (_, Some((_, percent)), _) => format!("its CPU is {percent:.0} %"),
            (.., Some(_)) => "it is short of memory".to_owned(),
            _ => return None,
        };
        let what = format!("reader {name} is too small to keep up: {why}");
        let mut finding = reader.fact(Finding::new(Likely, Degraded, what)).since(reader.since());
        if let Some((own, writer)) = smaller {
            finding = finding
                .fact("DocumentDB, instances", format!("class of {name}"), own.class.clone())
                .against(format!("{} of the writer", writer.class));
        }
        if let Some((cpu, percent)) = busy {
            finding = finding
                .fact("CloudWatch, DocDB CPUUtilization", format!("CPU of {name}"), format!("{percent:.0} %"))
                .against(format!("{BUSY_PERCENT} %"))
                .at(cpu.newest_at());
        }
        if let Some((memory, now, usual)) = short {
            finding = finding
                .fact("CloudWatch, DocDB FreeableMemory", format!("free memory of {name}"), size(now))
                .against(format!("usually {}", size(usual)))
                .at(memory.newest_at());
        }
        Some(match smaller {
            Some((_, writer)) => finding
                .next(
                    DevOps,
                    format!(
                        "give {name} the writer's class, which restarts it: aws docdb modify-db-instance --db-instance-identifier {name} --db-instance-class {} --apply-immediately",
                        writer.class
                    ),
                )
                .otherwise(one_more(&writer.class)),
            None => finding
                .next(DevOps, one_more(own.map_or("", |own| own.class.as_str())))
                .otherwise(larger(evidence, name)),
        })
    })
}

fn one_more(class: &str) -> String {
    let class = if class.is_empty() { "<class>" } else { class };
    format!(
        "add a reader, which takes about 10 minutes: aws docdb create-db-instance --db-cluster-identifier <db-cluster> --db-instance-identifier <new-name> --db-instance-class {class} --engine docdb"
    )
}

/// Whether a class is of a smaller size, whatever its family; nothing is said of those without a size.
fn is_smaller(one: &Instance, other: &Instance) -> bool {
    halves(&one.class).zip(halves(&other.class)).is_some_and(|(one, other)| one < other)
}

/// The size of `db.r6g.2xlarge`, in halves of a large one.
fn halves(class: &str) -> Option<u32> {
    match class.rsplit_once('.')?.1 {
        "medium" => Some(1),
        "large" => Some(2),
        size => {
            let times = size.strip_suffix("xlarge")?;
            let times = if times.is_empty() { 1 } else { times.parse().ok()? };
            4_u32.checked_mul(times)
        }
    }
}

const LAG: &str = "CloudWatch, DocDB DBInstanceReplicaLag";

struct Reader<'a> {
    instance: &'a str,
    series: &'a Series,
    ms: f64,
}

impl Reader<'_> {
    fn is_behind(&self) -> bool {
        self.ms >= HIGH_MS
    }

    fn since(&self) -> Option<jiff::Timestamp> {
        self.series.since_when(|ms| ms >= HIGH_MS)
    }

    fn fact(&self, finding: Finding) -> Finding {
        finding
            .fact(LAG, format!("lag of {}", self.instance), format!("{:.0} ms", self.ms))
            .against(format!("{HIGH_MS} ms"))
            .at(self.series.newest_at())
    }
}

/// The readers that have a lag.
fn readers(evidence: &Evidence) -> Vec<Reader<'_>> {
    let writer = evidence.database.as_ref().and_then(|database| database.writer());
    let all = evidence.by_instance(name::DB_LAG).into_iter();
    all.filter(|(instance, _)| writer.is_none_or(|writer| writer.name != *instance))
        .filter_map(|(instance, series)| Some(Reader { instance, series, ms: series.now()? }))
        .collect()
}

/// The reader that is furthest behind, where one is.
fn worst(evidence: &Evidence) -> Option<Reader<'_>> {
    let behind = readers(evidence).into_iter().filter(Reader::is_behind);
    behind.max_by(|one, other| one.ms.total_cmp(&other.ms))
}

fn names(readers: &[Reader]) -> String {
    readers.iter().map(|reader| reader.instance).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_compared_by_size_and_not_where_there_is_none() {
        let of = |class: &str| Instance { class: class.to_owned(), ..Instance::default() };
        let check =
            |one, other, expected| assert_eq!(is_smaller(&of(one), &of(other)), expected, "{one} {other}");
        check("db.t3.medium", "db.r6g.large", true);
        check("db.r6g.xlarge", "db.r6g.2xlarge", true);
        check("db.r5.large", "db.r6g.large", false);
        check("db.r6g.16xlarge", "db.r6g.8xlarge", false);
        check("db.serverless", "db.r6g.8xlarge", false);
    }
}
