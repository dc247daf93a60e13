//! What several sources need, read once, by whoever needs it first.

use tokio::sync::OnceCell;

use super::{Reader, Why, database, load_balancer, service};
use crate::evidence::Database;

#[derive(Default)]
pub(super) struct Cells {
    service: OnceCell<Result<Option<service::Described>, Why>>,
    definition: OnceCell<Result<service::Defined, Why>>,
    load_balancer: OnceCell<Result<load_balancer::Described, Why>>,
    database: OnceCell<Result<Database, Why>>,
}

impl Reader {
    /// The service; none when the cluster has none of that name.
    pub(super) async fn service(&self) -> Result<Option<&service::Described>, Why> {
        let read = self.cells.service.get_or_init(|| service::describe(self)).await;
        read.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// What the service is set to run.
    pub(super) async fn definition(&self) -> Result<&service::Defined, Why> {
        self.cells.definition.get_or_init(|| service::define(self)).await.as_ref().map_err(Clone::clone)
    }

    pub(super) async fn load_balancer(&self) -> Result<&load_balancer::Described, Why> {
        self.cells
            .load_balancer
            .get_or_init(|| load_balancer::describe(self))
            .await
            .as_ref()
            .map_err(Clone::clone)
    }

    pub(super) async fn database(&self) -> Result<&Database, Why> {
        self.cells.database.get_or_init(|| database::describe(self)).await.as_ref().map_err(Clone::clone)
    }
}
