//! The front end: its distribution, and what builds and deploys it.

use aws_sdk_codebuild::types::{EnvironmentVariableType, ProjectEnvironment, ProjectSource};
use aws_sdk_codepipeline::types::{ActionTypeId, StageDeclaration};

use super::seen::{Distribution, Pipeline, Project};
use super::together;
use crate::failure::Failure;

const MOST_DISTRIBUTIONS: usize = 200;
const MOST_PROJECTS: usize = 300;
/// As many as can be described at once.
const PROJECTS_AT_ONCE: usize = 100;
/// Each takes a call of its own.
const MOST_PIPELINES: usize = 50;

pub(crate) async fn distributions(client: &aws_sdk_cloudfront::Client) -> Result<Vec<Distribution>, Failure> {
    let mut pages = client.list_distributions().into_paginator().send();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            Failure::aws("list the distributions", "cloudfront:ListDistributions", &error)
        })?;
        let listed = page.distribution_list.and_then(|list| list.items).unwrap_or_default();
        all.extend(listed.iter().filter(|one| one.enabled()).map(|one| Distribution {
            id: one.id().to_owned(),
            domain: one.domain_name().to_owned(),
            aliases: one.aliases().map_or_else(Vec::new, |aliases| aliases.items().to_vec()),
            origins: one.origins().map_or_else(Vec::new, |origins| {
                origins.items().iter().map(|origin| origin.domain_name().to_owned()).collect()
            }),
        }));
        if all.len() >= MOST_DISTRIBUTIONS {
            break;
        }
    }
    Ok(all)
}

pub(crate) async fn projects(client: &aws_sdk_codebuild::Client) -> Result<Vec<Project>, Failure> {
    let mut pages = client.list_projects().into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(name) = pages.next().await {
        names.push(
            name.map_err(|error| Failure::aws("list the build projects", "codebuild:ListProjects", &error))?,
        );
        if names.len() == MOST_PROJECTS {
            break;
        }
    }
    let some: Vec<Vec<String>> = names.chunks(PROJECTS_AT_ONCE).map(<[String]>::to_vec).collect();
    let each = some.into_iter().map(|names| {
        let client = client.clone();
        async move {
            let described =
                client.batch_get_projects().set_names(Some(names)).send().await.map_err(|error| {
                    Failure::aws("read the build projects", "codebuild:BatchGetProjects", &error)
                })?;
            Ok(described.projects().iter().map(project).collect::<Vec<_>>())
        }
    });
    Ok(together(each).await?.into_iter().flatten().collect())
}

fn project(project: &aws_sdk_codebuild::types::Project) -> Project {
    let variables = project.environment().map_or(&[][..], ProjectEnvironment::environment_variables);
    // Of the others the value is where a secret is kept.
    let is_plain = |kind: Option<&EnvironmentVariableType>| {
        kind.is_none_or(|kind| *kind == EnvironmentVariableType::Plaintext)
    };
    let variables = variables.iter().filter(|one| is_plain(one.r#type())).map(|one| one.value().to_owned());
    let artifacts = project.artifacts().into_iter().chain(project.secondary_artifacts());
    let artifacts = artifacts.filter_map(|artifacts| artifacts.location().map(str::to_owned));
    let buildspec = project.source().and_then(ProjectSource::buildspec).map(str::to_owned);
    Project {
        name: project.name().unwrap_or_default().to_owned(),
        words: variables.chain(artifacts).chain(buildspec).collect(),
    }
}

pub(crate) async fn pipelines(client: &aws_sdk_codepipeline::Client) -> Result<Vec<Pipeline>, Failure> {
    let mut pages = client.list_pipelines().into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(pipeline) = pages.next().await {
        let pipeline = pipeline
            .map_err(|error| Failure::aws("list the pipelines", "codepipeline:ListPipelines", &error))?;
        names.extend(pipeline.name);
        if names.len() == MOST_PIPELINES {
            break;
        }
    }
    let each = names.into_iter().map(|name| {
        let client = client.clone();
        async move {
            let read = client.get_pipeline().name(&name).send().await.map_err(|error| {
                Failure::aws(format!("read the pipeline {name}"), "codepipeline:GetPipeline", &error)
            })?;
            Ok(read.pipeline.map(|declared| pipeline(&declared)))
        }
    });
    Ok(together(each).await?.into_iter().flatten().collect())
}

fn pipeline(declared: &aws_sdk_codepipeline::types::PipelineDeclaration) -> Pipeline {
    let actions = declared.stages().iter().flat_map(StageDeclaration::actions);
    let mut pipeline = Pipeline { name: declared.name().to_owned(), ..Pipeline::default() };
    for action in actions {
        let provider = action.action_type_id().map_or("", ActionTypeId::provider);
        let setting = |name: &str| action.configuration().and_then(|all| all.get(name)).cloned();
        match provider {
            "S3" => pipeline.buckets.extend(setting("BucketName")),
            "CodeBuild" => pipeline.projects.extend(setting("ProjectName")),
            _ => {}
        }
    }
    pipeline
}
