//! Who may talk to whom: the security groups of the load balancer, the tasks, the database and Redis.

mod ec2;

use std::collections::BTreeSet;

use shared::{
    aws,
    error::{Cause, Error},
};
use tokio::task::JoinSet;

use self::ec2::{Asked, Ec2};
use super::{Reader, Seen, Why, seen, why};
use crate::evidence::{NotSeen, Redis, SecurityGroup};

/// EC2 takes 200 values for a filter.
const A_CALL: usize = 100;
/// With a filter, EC2 may answer some now and the rest on the next page.
const MAX_PAGES: usize = 5;

pub(super) async fn security_groups(reader: &Reader) -> Result<Option<Seen>, Why> {
    let (ids, not_seen) = wanted(reader).await;
    if ids.is_empty() {
        return match not_seen.into_iter().next() {
            Some(first) => Err(first.why),
            None => Ok(None),
        };
    }
    let groups = read(&Ec2::new(&reader.config), &ids).await.map_err(|error| why(&error))?;
    let settings = &reader.settings;
    let redis = (!settings.redis_security_groups.is_empty()).then(|| Redis {
        security_groups: settings.redis_security_groups.clone(),
        port: settings.redis_port,
    });
    Ok(put_together(&ids, groups, redis, not_seen))
}

/// The groups of those that could be read, and who could not be.
async fn wanted(reader: &Reader) -> (BTreeSet<String>, Vec<NotSeen>) {
    let settings = &reader.settings;
    let of_load_balancer = async {
        match settings.load_balancer {
            Some(_) => Ok(reader.load_balancer().await?.0.security_groups.clone()),
            None => Ok(Vec::new()),
        }
    };
    let of_service = async {
        let described = reader.service().await?;
        Ok(described.map(|described| described.service.security_groups.clone()).unwrap_or_default())
    };
    let of_database = async {
        match settings.database {
            Some(_) => Ok(reader.database().await?.security_groups.clone()),
            None => Ok(Vec::new()),
        }
    };
    let (load_balancer, service, database) = tokio::join!(of_load_balancer, of_service, of_database);
    let mut ids: BTreeSet<String> = settings.redis_security_groups.iter().cloned().collect();
    let mut not_seen = Vec::new();
    let read: [(&str, Result<Vec<String>, Why>); 3] =
        [("the load balancer", load_balancer), ("the service", service), ("the database", database)];
    for (whose, read) in read {
        match read {
            Ok(groups) => ids.extend(groups),
            Err(why) => {
                not_seen.push(NotSeen { source: format!("the security groups of {whose}"), why });
            }
        }
    }
    (ids, not_seen)
}

async fn read(client: &Ec2, ids: &BTreeSet<String>) -> Result<Vec<SecurityGroup>, Error> {
    let ids: Vec<String> = ids.iter().cloned().collect();
    let asked: JoinSet<_> = ids.chunks(A_CALL).map(|some| pages(client.clone(), some.to_vec())).collect();
    let mut found: Vec<SecurityGroup> = Vec::new();
    for groups in asked.join_all().await {
        found.extend(groups?);
    }
    found.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(found)
}

async fn pages(client: Ec2, ids: Vec<String>) -> Result<Vec<SecurityGroup>, Error> {
    let whose = ids.join(", ");
    let mut found = Vec::new();
    let mut from = None;
    for _ in 0..MAX_PAGES {
        let page = client
            .describe(Asked { ids: ids.clone(), from })
            .await
            .map_err(|error| aws::failed("describe security groups", whose.as_str(), &error))?;
        found.extend(page.groups);
        from = page.next;
        if from.is_none() {
            return Ok(found);
        }
    }
    // A group that was not read would look as if it did not exist.
    Err(Error::Aws {
        operation: "describe security groups",
        resource: whose,
        source: Cause::new("there are more pages than were read"),
    })
}

fn put_together(
    ids: &BTreeSet<String>,
    groups: Vec<SecurityGroup>,
    redis: Option<Redis>,
    mut not_seen: Vec<NotSeen>,
) -> Option<Seen> {
    let unknown = ids.iter().filter(|id| groups.iter().all(|group| group.id != **id));
    not_seen.extend(unknown.map(|id| NotSeen {
        source: format!("the security group {id}"),
        why: "there is no such group".to_owned(),
    }));
    seen(|evidence| {
        evidence.security_groups = Some(groups);
        evidence.redis = redis;
        evidence.not_seen.extend(not_seen);
    })
}

#[cfg(test)]
mod tests;
