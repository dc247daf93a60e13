//! The items of incidents in the ledger: [`shared::ledger`] lists them.

mod answers;
mod components;
mod digests;
mod incidents;
mod records;
mod status;
mod table;
mod timeline;
mod unreadable;

pub use incidents::{OpenAndRecent, OpenIndex, OpenLookup};
pub use records::{Approval, Found};
pub use status::Published;
pub use table::{Store, Unreadable};
pub use timeline::TimelineEntry;
