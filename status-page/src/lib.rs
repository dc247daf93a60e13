//! The status page that customers read: plain data in, files out. It asks nobody and knows no clock.
//!
//! - [`public`]: the words that customers may read, and nothing else can be shown.
//! - [`model`]: what a page shows.
//! - [`minutes`]: what the probe's minutes come to: a component's status now, its days, the response times.

pub mod minutes;
pub mod model;
pub mod public;

pub use model::{
    Component, Day, Hour, Impact, Incident, Maintenance, MaintenancePhase, Page, Phase, Status, Update,
};
pub use public::{Id, Public};
