//! The status page that customers read: plain data in, files out. It asks nobody and knows no clock.
//!
//! - [`public`]: the words that customers may read, and nothing else can be shown.
//! - [`model`]: what a page shows.
//! - [`minutes`]: what the probe's minutes come to: a component's status now, its days, the response times.
//! - [`files()`]: a page as files, in the order in which they are written. `words` has its sentences, `html` its pages,
//!   `feeds` Atom and RSS, `api` the JSON that other tools read, `assets` the style and the script.

mod api;
mod feeds;
mod files;
mod history;
mod html;
pub mod minutes;
pub mod model;
pub mod public;
mod times;
mod words;

pub use files::{File, files};
pub use model::{
    Component, Day, Hour, Impact, Incident, Maintenance, MaintenancePhase, Page, Phase, Status, Update,
};
pub use public::{Id, Public};
