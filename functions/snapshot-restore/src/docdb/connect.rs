//! Whether a cluster can be connected to, from where this function runs.

use std::time::Duration;

use tokio::net::TcpStream;

use super::Cluster;

const PATIENCE: Duration = Duration::from_secs(3);
/// <https://docs.aws.amazon.com/documentdb/latest/developerguide/API_CreateDBCluster.html>
const DEFAULT_PORT: u16 = 27_017;

/// Whether its endpoint takes a connection. Nothing is sent: what answers needs TLS and credentials.
pub(crate) async fn answers(cluster: &Cluster) -> bool {
    let port = cluster.settings.port.and_then(|port| u16::try_from(port).ok()).unwrap_or(DEFAULT_PORT);
    let connected =
        tokio::time::timeout(PATIENCE, TcpStream::connect((cluster.endpoint.as_str(), port))).await;
    matches!(connected, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::docdb::ClusterSettings;

    #[tokio::test]
    async fn a_cluster_answers_while_something_listens_at_its_endpoint() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = Some(i32::from(listener.local_addr().unwrap().port()));
        let settings = ClusterSettings { port, ..ClusterSettings::default() };
        let cluster = Cluster { endpoint: "127.0.0.1".to_owned(), settings, ..Cluster::default() };
        assert!(answers(&cluster).await);
        drop(listener);
        assert!(!answers(&cluster).await);
        assert!(!answers(&Cluster { endpoint: String::new(), ..cluster }).await);
    }
}
