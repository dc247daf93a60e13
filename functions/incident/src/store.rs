//! The items of incidents in the ledger: [`shared::ledger`] lists them.

mod answers;
mod components;
mod digests;
mod incidents;
mod records;
mod table;
mod timeline;
mod unreadable;

pub use components::ComponentState;
pub use incidents::{OpenAndRecent, OpenIndex, OpenLookup};
pub use records::{Approval, Found};
pub use table::{Store, Unreadable};
pub use timeline::TimelineEntry;
