//! Images in ECR, as a task definition names them.

/// `<account>.dkr.ecr.<region>.amazonaws.com/<repository>[:tag][@digest]`, or the same behind the dual-stack name
/// `<account>.dkr-ecr.<region>.on.aws`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// As it is named.
    pub name: String,
    pub registry: String,
    pub region: String,
    pub repository: String,
    /// The digest decides if there is one.
    pub version: Version,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    Tag(String),
    Digest(String),
}

impl Image {
    /// Nothing for an image of another registry.
    pub fn parse(name: &str) -> Option<Self> {
        let (host, path) = name.split_once('/')?;
        let parts: Vec<&str> = host.split('.').collect();
        let ([registry, "dkr", "ecr" | "ecr-fips", region, "amazonaws", ..]
        | [registry, "dkr-ecr" | "dkr-ecr-fips", region, "on", ..]) = parts.as_slice()
        else {
            return None;
        };
        let (path, digest) = match path.split_once('@') {
            Some((path, digest)) => (path, Some(digest)),
            None => (path, None),
        };
        let (repository, tag) = path.split_once(':').unwrap_or((path, "latest"));
        Some(Self {
            name: name.to_owned(),
            registry: (*registry).to_owned(),
            region: (*region).to_owned(),
            repository: repository.to_owned(),
            version: digest
                .map_or_else(|| Version::Tag(tag.to_owned()), |digest| Version::Digest(digest.to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

    #[test]
    fn an_image_has_a_registry_a_region_a_repository_and_a_version() {
        #[track_caller]
        fn check(path: &str, repository: &str, version: Version) {
            let found = Image::parse(&format!("{HOST}/{path}")).unwrap();
            assert_eq!((found.registry.as_str(), found.region.as_str()), ("123456789012", "us-east-1"));
            assert_eq!((found.repository.as_str(), found.version), (repository, version));
        }
        let tag = |tag: &str| Version::Tag(tag.to_owned());
        let digest = || Version::Digest("sha256:ab".to_owned());
        check("lendpeak2/backend:41", "lendpeak2/backend", tag("41"));
        check("backend", "backend", tag("latest"));
        check("backend@sha256:ab", "backend", digest());
        check("backend:41@sha256:ab", "backend", digest());
    }

    #[test]
    fn a_registry_has_several_names() {
        for host in [
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
            "123456789012.dkr.ecr-fips.cn-north-1.amazonaws.com",
            "123456789012.dkr-ecr.cn-north-1.on.aws",
            "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
            "123456789012.dkr-ecr-fips.cn-north-1.on.aws",
        ] {
            let found = Image::parse(&format!("{host}/backend:41")).unwrap();
            assert_eq!((found.registry.as_str(), found.region.as_str()), ("123456789012", "cn-north-1"));
        }
    }

    #[test]
    fn images_of_other_registries_are_none() {
        for name in ["nginx:1", "public.ecr.aws/nginx/nginx:1", "docker.io/library/nginx", "ecr/backend", ""]
        {
            assert_eq!(Image::parse(name), None, "{name}");
        }
    }
}
