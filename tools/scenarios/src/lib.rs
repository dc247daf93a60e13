//! The functions' scenarios, and what plays them: every call goes wrong in every way (`make chaos`), or a second local
//! AWS answers (`make peer`). The benchmark takes the jobs from the scenarios.

pub mod chaos;
mod definition;
pub mod job;
pub mod peer;
mod row;
pub mod scenario;
