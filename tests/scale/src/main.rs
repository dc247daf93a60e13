use scale::scene::*;
use scale::api::Api;
fn main() {
    for t in Timing::ALL { println!("first {t:?} {:?}", first_throttled(t, 200)); }
    for n in [1,10,20,50,200] { for t in Timing::ALL {
        let s = rest(n,t);
        println!("REST {n} {t:?} runs {} thr {} failed {} err {} lost {} refused {} most {} {:?}", s.runs, s.throttled(), s.failed(), s.errors, s.lost, s.refused, s.most_at_once, s.most_of);
        for (a,c) in &s.apis { if c.throttled>0 {println!("    {a:?} {c:?}")} }
    } for t in [Timing::OneSecond, Timing::Minute] {
        let s = storm(n,t);
        let last=|m:&std::collections::BTreeMap<u32,u64>| m.values().max().map(|x| (*x as f64-ALARM_AFTER as f64)/1e6);
        println!("STORM {n} {t:?} runs {} thr {} failed {} err {} lost {} refused {} most {} opened {:?} {} diagnosed {:?} {} blind {}/{} steps {} {:?}", s.runs, s.throttled(), s.failed(), s.errors, s.lost, s.refused, s.most_at_once, last(&s.opened), s.opened.len(), last(&s.diagnosed), s.diagnosed.len(), s.blind, s.diagnoses, s.steps, s.most_of);
        for (a,c) in &s.apis { if c.throttled>0 {println!("    {a:?} {c:?}")} }
    } let _=Api::Ledger; }
}
