//! `lendpeak2 drill` against a sandbox: it heals and is measured, and whatever happens everything is put back.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use aws_sdk_ecs::{Client, types::TaskDefinitionStatus};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    sandbox::deploy,
    support::{Said, Sandbox, on_a_terminal, runtime, said},
};

const MARKED: [&str; 2] = ["--parameter", "Drills=true"];
const FAMILY: &str = "lendpeak2-backend-production";
const YES: [&str; 5] = ["drill", "bad-release", "--yes", "--break", "production"];

#[test]
fn the_loop_heals_what_a_drill_breaks() {
    let sandbox = Sandbox::start_with("auto", &MARKED);
    let house = House::of(&sandbox);
    it_is_measured_and_recorded(&house);
    nothing_is_broken_without_a_definite_yes(&house);
    it_is_shown_as_it_comes_and_in_words(&house);
    nothing_is_broken_while_the_loop_is_stopped(&house);
}

#[test]
fn whatever_happens_everything_is_put_back() {
    let sandbox = Sandbox::start_with("observe", &MARKED);
    let house = House::of(&sandbox);
    what_a_killed_drill_has_left_is_put_back_by_another_process(&house);
    a_signal_ends_it_after_everything_is_put_back(&house);
    what_the_loop_does_not_heal_is_put_back_and_no_success(&house);
    what_somebody_else_deployed_meanwhile_stays(&house);
}

/// Called with a sandbox that was not marked.
pub(crate) fn no_drill_is_held_where_none_are_allowed(sandbox: &Sandbox) {
    let house = House::of(sandbox);
    for line in [&YES[..], &["drill", "bad-release"], &["drill", "bad-release", "--dry-run"]] {
        let told = house.run(line);
        assert_eq!((told.code, told.out.as_str()), (3, ""), "{told:?}");
        assert!(told.err.contains("code: not_for_drills") && told.err.contains("Drills=true"), "{told:?}");
    }
    let told = house.run(&[&["--json"], &YES[..]].concat());
    let error: Value = serde_json::from_str(&told.err).unwrap();
    assert_eq!((told.code, &error["code"]), (3, &Value::from("not_for_drills")));
    assert_eq!(house.registered(), [format!("{FAMILY}:1")]);
    assert!(house.records().is_empty());
}

/// A sandbox, a place where the program remembers things, and a look at ECS beside the program.
struct House<'a> {
    sandbox: &'a Sandbox,
    state: TempDir,
    runtime: tokio::runtime::Runtime,
    ecs: Client,
}

impl<'a> House<'a> {
    fn of(sandbox: &'a Sandbox) -> Self {
        let ecs = Client::new(&sandbox.aws());
        Self { sandbox, state: tempfile::tempdir().unwrap(), runtime: runtime(), ecs }
    }

    fn lendpeak2(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.lendpeak2(arguments);
        command.env("XDG_STATE_HOME", self.state.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        said(&mut self.lendpeak2(arguments))
    }

    /// A drill in the background, at work once its first line is there.
    fn begin(&self, arguments: &[&str]) -> Running {
        let mut command = self.lendpeak2(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut told = String::new();
        while !told.contains("was set to") {
            assert!(err.read_line(&mut told).unwrap() > 0, "{told}");
        }
        Running { child, told, err }
    }

    fn folder(&self) -> PathBuf {
        self.state.path().join("lendpeak2/drills")
    }

    /// All records, the oldest first.
    fn records(&self) -> Vec<Value> {
        let Ok(entries) = fs::read_dir(self.folder()) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        // What a killed write left beside them is none.
        paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
        paths.sort();
        paths.iter().map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
    }

    fn last_record(&self) -> Value {
        self.records().pop().expect("no record")
    }

    /// What the service is set to, as in `family:1`.
    fn runs(&self) -> String {
        let describe = self.ecs.describe_services().cluster("lendpeak2-production").services("backend");
        let described = self.runtime.block_on(describe.send()).unwrap();
        short(described.services()[0].task_definition().unwrap())
    }

    /// The family's task definitions that are ACTIVE.
    fn registered(&self) -> Vec<String> {
        let list =
            self.ecs.list_task_definitions().family_prefix(FAMILY).status(TaskDefinitionStatus::Active);
        let listed = self.runtime.block_on(list.send()).unwrap();
        listed.task_definition_arns().iter().map(|arn| short(arn)).collect()
    }

    /// Everything is as it was before the first drill.
    #[track_caller]
    fn is_whole(&self, when: &str) {
        assert_eq!(
            (self.runs(), self.registered()),
            (format!("{FAMILY}:1"), vec![format!("{FAMILY}:1")]),
            "{when}"
        );
        assert!(self.records().iter().all(|record| record["step"] == "over"), "{when}: {:?}", self.records());
    }

    /// Until nothing is wrong any more: what a drill broke may have opened an incident.
    fn until_calm(&self) {
        let since = Instant::now();
        loop {
            let healthy = self.run(&["health", "--quick"]).code == 0;
            let open = self.run(&["--json", "incident", "list"]).json()["open"].as_array().unwrap().len();
            if healthy && open == 0 {
                return;
            }
            assert!(since.elapsed() < Duration::from_mins(2), "healthy: {healthy}, open: {open}");
            if healthy {
                self.run(&["incident", "resolve", "--reason", "the drill is over"]);
            }
            thread::sleep(Duration::from_millis(500));
        }
    }
}

fn short(arn: &str) -> String {
    arn.rsplit('/').next().unwrap().to_owned()
}

struct Running {
    child: Child,
    told: String,
    err: BufReader<std::process::ChildStderr>,
}

impl Running {
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    fn ended(mut self) -> Said {
        self.err.read_to_string(&mut self.told).unwrap();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        Said { code: self.child.wait().unwrap().code().unwrap_or(-1), out, err: self.told }
    }
}

fn it_is_measured_and_recorded(house: &House<'_>) {
    let told = house.run(&[&["--json", "--timeout", "1m"], &YES[..]].concat());
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{told:?}");
    let answer = told.json();
    assert_eq!(
        (&answer["healed"], &answer["acted_by"]),
        (&Value::Bool(true), &Value::from("rollback")),
        "{answer}"
    );
    let after = |what: &str| answer[format!("{what}_after_seconds")].as_f64().unwrap();
    assert!(after("detected") <= after("acted") && after("acted") <= after("recovered"), "{answer}");
    assert!(after("detected") > 0.0 && after("recovered") < 180.0, "{answer}");
    let back = [format!("backend runs {FAMILY}:1, as before"), format!("{FAMILY}:2 was deregistered")];
    assert_eq!(answer["put_back"], serde_json::json!(back));
    house.is_whole("after a drill");
    // The record on this machine, and the runbook's own.
    let record = house.last_record();
    assert_eq!((&record["id"], &record["events"]), (&answer["drill"], &answer["events"]));
    let drill = format!("drill {} by Ana: ", record["id"].as_str().unwrap());
    // What an alarm has healed may be over before there is one.
    for incident in answer["incidents"].as_array().unwrap() {
        it_is_noted(house, incident.as_str().unwrap(), &drill, "the loop healed it: noticed after");
    }
    // There is nothing left.
    let undone = house.run(&["drill", "undo"]);
    assert_eq!(
        (undone.code, undone.out.as_str()),
        (0, "no drill has left anything to put back\n"),
        "{undone:?}"
    );
}

/// The incident's timeline says that it was a drill, and what came of it.
fn it_is_noted(house: &House<'_>, incident: &str, drill: &str, what: &str) {
    let shown = house.run(&["incident", "show", incident]);
    assert!(shown.out.contains(&format!("{drill}it is a drill, with a bad release")), "{shown:?}");
    assert!(shown.out.contains(&format!("{drill}{what}")), "{shown:?}");
}

fn nothing_is_broken_without_a_definite_yes(house: &House<'_>) {
    house.until_calm();
    let before = house.records();
    for (line, code, says) in [
        (&["drill", "bad-release"][..], 2, "there is no terminal to ask on"),
        (&["drill", "bad-release", "--yes"], 2, "--break production"),
        (&["drill", "bad-release", "--yes", "--break", "staging"], 2, "this is production"),
        (&["drill", "bad-release", "--yes", "--break", "production", "--container", "web"], 2, "backend"),
        (
            &["drill", "bad-release", "--yes", "--break", "production", "--variable", "DB_CREDENTIALS=x"],
            2,
            "a secret",
        ),
    ] {
        let told = house.run(line);
        assert_eq!(told.code, code, "{line:?}: {told:?}");
        assert!(told.err.contains(says), "{line:?}: {told:?}");
    }
    for (line, answer) in [
        (&["drill", "bad-release"][..], "y"),
        (&["drill", "bad-release"], "ctrl-c"),
        (&["drill", "bad-release", "--break", "production"], "n"),
    ] {
        let told = on_a_terminal(&house.lendpeak2(line), answer);
        assert_eq!(told.code, 130, "{line:?}: {told:?}");
        assert!(told.out.contains("BROKEN=true"), "{line:?}: {told:?}");
    }
    let shown = house.run(&["drill", "bad-release", "--dry-run"]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""), "{shown:?}");
    assert!(shown.out.contains("BROKEN=true in the container backend"), "{shown:?}");
    assert!(shown.out.contains("rollback's mode is auto"), "{shown:?}");
    assert_eq!(house.records(), before);
    house.is_whole("after nothing");
}

/// On a terminal, by somebody who types the environment's name.
fn it_is_shown_as_it_comes_and_in_words(house: &House<'_>) {
    house.until_calm();
    let told = on_a_terminal(
        &house.lendpeak2(&["--no-color", "drill", "bad-release", "--timeout", "1m"]),
        "production",
    );
    assert_eq!(told.code, 0, "{told:?}");
    for says in [
        "Type the environment's name, production, to break it:",
        "+0.0 s backend was set to",
        "s rollback: backend: ",
        "healed   the loop healed it: noticed after",
        "back     backend runs",
    ] {
        assert!(told.out.contains(says), "{says}: {told:?}");
    }
    house.is_whole("after a drill on a terminal");
}

fn nothing_is_broken_while_the_loop_is_stopped(house: &House<'_>) {
    house.until_calm();
    assert_eq!(house.run(&["stop", "a migration"]).code, 0);
    let told = house.run(&YES);
    assert_eq!(told.code, 3, "{told:?}");
    assert!(told.err.contains("code: kill_switch"), "{told:?}");
    assert_eq!(house.run(&["start", "--yes"]).code, 0);
    house.is_whole("under a kill switch");
}

/// When a program is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// ECS has not got the call.
    Before,
    /// ECS has done it, and the answer did not come.
    After,
}

/// Between the program and the sandbox: it kills the program at a call.
struct Killer {
    url: String,
    victim: Arc<OnceLock<u32>>,
}

impl Killer {
    /// At the call of ECS that is the `nth` of its kind.
    fn start(sandbox: &Sandbox, operation: &'static str, nth: usize, at: At) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let victim = Arc::<OnceLock<u32>>::default();
        let (host, seen) =
            (sandbox.url.trim_start_matches("http://").to_owned(), Arc::<AtomicUsize>::default());
        let killed = victim.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (host, seen, victim) = (host.clone(), seen.clone(), killed.clone());
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let Some((head, body)) = request(&mut stream) else { return };
                    let is_it = head.to_lowercase().contains(&format!(".{operation}\r").to_lowercase());
                    let is_it = is_it && seen.fetch_add(1, Ordering::SeqCst) + 1 == nth;
                    if is_it && at == At::Before {
                        return kill(&victim);
                    }
                    let mut there = TcpStream::connect(host).unwrap();
                    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
                    there.write_all(&[head.as_bytes(), &body].concat()).unwrap();
                    let mut answer = Vec::new();
                    there.read_to_end(&mut answer).unwrap();
                    if is_it {
                        return kill(&victim);
                    }
                    // Whoever asked may have gone.
                    let _ = stream.write_all(&answer);
                });
            }
        });
        Self { url, victim }
    }
}

fn kill(victim: &OnceLock<u32>) {
    let killed = Command::new("kill").args(["-KILL", &victim.wait().to_string()]).status();
    assert!(killed.unwrap().success());
}

/// A request's head and body; nothing where the other end is closed.
fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// At each call that changes something, before and after it took effect; while it breaks, and while it puts back.
fn what_a_killed_drill_has_left_is_put_back_by_another_process(house: &House<'_>) {
    for (operation, nth, at, step) in [
        ("RegisterTaskDefinition", 1, At::Before, "registering"),
        ("RegisterTaskDefinition", 1, At::After, "registering"),
        ("UpdateService", 1, At::Before, "breaking"),
        ("UpdateService", 1, At::After, "breaking"),
        ("DeregisterTaskDefinition", 1, At::Before, "broken"),
        ("DeregisterTaskDefinition", 1, At::After, "broken"),
        ("UpdateService", 2, At::Before, "broken"),
        ("UpdateService", 2, At::After, "broken"),
    ] {
        let when = format!("killed {at:?} {operation} {nth}");
        house.until_calm();
        let killer = Killer::start(house.sandbox, operation, nth, at);
        let mut command = house.lendpeak2(&[&YES[..], &["--timeout", "1s", "--quiet"]].concat());
        let command =
            command.env("AWS_ENDPOINT_URL", &killer.url).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        killer.victim.set(child.id()).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), None, "{when}: {ended:?}");
        assert_eq!(house.last_record()["step"], step, "{when}");
        // It says so, and nobody breaks more.
        let second = house.run(&YES);
        assert_eq!(second.code, 3, "{when}: {second:?}");
        assert!(
            second.err.contains("code: drill_open") && second.err.contains("drill undo"),
            "{when}: {second:?}"
        );
        let undone = house.run(&["drill", "undo"]);
        assert_eq!(undone.code, 0, "{when}: {undone:?}");
        house.is_whole(&when);
    }
}

fn a_signal_ends_it_after_everything_is_put_back(house: &House<'_>) {
    for signal in ["TERM", "INT", "HUP"] {
        house.until_calm();
        let running = house.begin(&YES);
        assert_ne!(house.runs(), format!("{FAMILY}:1"), "{signal}");
        let second = house.run(&YES);
        assert_eq!(second.code, 3, "{signal}: {second:?}");
        assert!(second.err.contains("code: drill_open"), "{signal}: {second:?}");
        // Somebody else, who has no record of it.
        let third = House::of(house.sandbox).run(&YES);
        assert_eq!(third.code, 3, "{signal}: {third:?}");
        assert!(third.err.contains("backend runs the bad release of the drill"), "{signal}: {third:?}");
        running.signal(signal);
        let told = running.ended();
        assert_eq!(told.code, 130, "{signal}: {told:?}");
        assert!(told.out.contains(&format!("backend was set back to {FAMILY}:1")), "{signal}: {told:?}");
        house.is_whole(signal);
    }
}

fn what_the_loop_does_not_heal_is_put_back_and_no_success(house: &House<'_>) {
    house.until_calm();
    let told = house.run(&[&["--json", "--timeout", "30s"], &YES[..]].concat());
    assert_eq!(told.code, 5, "{told:?}");
    let answer = told.json();
    assert_eq!((&answer["healed"], &answer["acted_by"]), (&Value::Bool(false), &Value::Null), "{answer}");
    assert!(answer["failed_after_seconds"].is_f64(), "{answer}");
    house.is_whole("after its time");
    let drill = format!("drill {} by Ana: ", answer["drill"].as_str().unwrap());
    let incident = answer["incidents"][0].as_str().unwrap();
    it_is_noted(house, incident, &drill, "the loop did not heal it in time: noticed after");
    house.until_calm();
    let told = house.run(&[&YES[..], &["--variable", "COLOUR=blue", "--timeout", "3s"]].concat());
    assert_eq!(told.code, 5, "{told:?}");
    assert!(told.out.contains("COLOUR=blue broke nothing that the probe sees"), "{told:?}");
    house.is_whole("after what broke nothing");
}

fn what_somebody_else_deployed_meanwhile_stays(house: &House<'_>) {
    house.until_calm();
    let running = house.begin(&YES);
    let theirs = deploy(house.sandbox, "RELEASE", "next");
    running.signal("TERM");
    let told = running.ended();
    assert_eq!(told.code, 130, "{told:?}");
    let left = format!("backend runs {theirs}, which was deployed meanwhile: it was left alone");
    assert!(told.out.contains(&left), "{told:?}");
    assert_eq!(house.runs(), theirs);
    let mut registered = house.registered();
    registered.sort();
    assert_eq!(registered, [format!("{FAMILY}:1"), theirs]);
    assert_eq!(house.last_record()["step"], "over");
}
