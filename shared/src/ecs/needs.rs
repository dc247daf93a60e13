//! The ports and volumes that a service names. ECS refuses a task definition that lacks one.

use aws_sdk_ecs::types;

use super::Offers;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Containers and their ports, by load balancers and service discovery.
    pub ports: Vec<(String, i32)>,
    /// By Service Connect.
    pub port_names: Vec<String>,
    pub volumes: Vec<String>,
}

impl Needs {
    pub(super) fn of(service: &types::Service) -> Self {
        let balanced = service
            .load_balancers()
            .iter()
            .filter_map(|balancer| Some((balancer.container_name()?.to_owned(), balancer.container_port()?)));
        let registered = service
            .service_registries()
            .iter()
            .filter_map(|registry| Some((registry.container_name()?.to_owned(), registry.container_port()?)));
        let primary = service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"));
        let connected = primary.and_then(types::Deployment::service_connect_configuration);
        Self {
            ports: balanced.chain(registered).collect(),
            port_names: connected
                .filter(|connected| connected.enabled())
                .into_iter()
                .flat_map(types::ServiceConnectConfiguration::services)
                .map(|service| service.port_name().to_owned())
                .collect(),
            volumes: primary
                .into_iter()
                .flat_map(types::Deployment::volume_configurations)
                .map(|volume| volume.name().to_owned())
                .collect(),
        }
    }

    /// The parts that a task definition lacks, for people.
    pub fn missing_in(&self, offers: &Offers) -> Option<String> {
        let port = self.ports.iter().find(|port| !offers.ports.contains(port));
        let port_name = self.port_names.iter().find(|name| !offers.port_names.contains(name));
        let volume = self.volumes.iter().find(|name| !offers.volumes.contains(name));
        port.map(|(container, port)| format!("container {container} with port {port}"))
            .or_else(|| port_name.map(|name| format!("port {name}")))
            .or_else(|| volume.map(|name| format!("volume {name}, configured at launch")))
    }
}
