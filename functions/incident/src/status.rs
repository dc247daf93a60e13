//! What customers are told: components, announced maintenance, and the public side of incidents.
//!
//! - [`components`]: the components of the status page, and which checks of the probe and alarms belong to each.
//! - [`said`]: what people say of a component.
//! - [`maintenance`]: announced work, which also holds back alarms.
//! - [`publication`]: what customers are told of an incident, and when.
//! - [`page`]: all of it as the status page shows it.

pub mod components;
pub mod maintenance;
pub mod page;
pub mod publication;
pub mod said;
