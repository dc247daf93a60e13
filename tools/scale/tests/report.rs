//! What `incident` says in its report that the runbook costs is what is counted here.

use scale::{
    assumptions::Assumptions,
    bill::{self, total},
    stack::Stack,
    usage,
};

#[path = "../../../functions/incident/src/digest/cost.rs"]
mod cost;

#[test]
fn the_report_has_the_cost_of_a_month_in_which_nothing_happens() {
    let nothing =
        Assumptions { incidents: 0.0, flaps: 0.0, releases: 0.0, restores: 0.0, ..Assumptions::default() };
    let dollars = total(&bill::of(&usage::of_a_service(&Stack::read(), &nothing), 1, 1));
    let differs = (f64::from(cost::DOLLARS_A_MONTH_AT_REST) - dollars).abs();
    assert!(differs <= 0.5, "it is ${dollars:.2} now: write that into functions/incident/src/digest/cost.rs");
}
