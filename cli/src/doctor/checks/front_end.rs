//! The front end's CloudFront distribution.

use aws_sdk_cloudfront::{
    operation::get_monitoring_subscription::GetMonitoringSubscriptionError,
    types::{
        CustomErrorResponse, CustomErrorResponses, RealtimeMetricsSubscriptionConfig,
        RealtimeMetricsSubscriptionStatus,
    },
};

use crate::{
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
};

const NONE: &str = "the stack was deployed without a distribution";

pub(super) async fn metrics(site: &Site) -> Result<Verdict, Unseen> {
    let Some(id) = site.given("DistributionId") else { return Ok(Verdict::ok(NONE)) };
    let client = aws_sdk_cloudfront::Client::new(&site.config);
    let answer = match client.get_monitoring_subscription().distribution_id(id).send().await {
        Ok(answer) => answer,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(GetMonitoringSubscriptionError::is_no_such_monitoring_subscription) =>
        {
            return Ok(measured(id, None));
        }
        Err(error) => {
            let doing = format!("read what CloudFront measures of {id}");
            return Err(Failure::aws(doing, "cloudfront:GetMonitoringSubscription", &error).into());
        }
    };
    let subscription =
        answer.monitoring_subscription().and_then(|it| it.realtime_metrics_subscription_config());
    Ok(measured(
        id,
        subscription.map(RealtimeMetricsSubscriptionConfig::realtime_metrics_subscription_status),
    ))
}

fn measured(id: &str, status: Option<&RealtimeMetricsSubscriptionStatus>) -> Verdict {
    if status == Some(&RealtimeMetricsSubscriptionStatus::Enabled) {
        return Verdict::ok("CloudFront counts each error code, and its cache's hits");
    }
    Verdict::warn(
        "CloudFront's additional metrics are off",
        "nobody can tell a 502 of the origin from a 503, or see whether an invalidation emptied the cache. CloudFront \
         charges for them",
        format!(
            "aws cloudfront create-monitoring-subscription --distribution-id {id} --monitoring-subscription \
             'RealtimeMetricsSubscriptionConfig={{RealtimeMetricsSubscriptionStatus=Enabled}}'"
        ),
    )
}

pub(super) async fn error_pages(site: &Site) -> Result<Verdict, Unseen> {
    let Some(id) = site.given("DistributionId") else { return Ok(Verdict::ok(NONE)) };
    let client = aws_sdk_cloudfront::Client::new(&site.config);
    let answer = client.get_distribution().id(id).send().await.map_err(|error| {
        Failure::aws(format!("read the distribution {id}"), "cloudfront:GetDistribution", &error)
    })?;
    let config = answer.distribution().and_then(|it| it.distribution_config());
    let pages = config.and_then(|it| it.custom_error_responses()).map(CustomErrorResponses::items);
    Ok(shown(id, pages.unwrap_or_default()))
}

fn shown(id: &str, pages: &[CustomErrorResponse]) -> Verdict {
    let hides = |page: &&CustomErrorResponse| {
        page.error_code() >= 500 && page.response_code().is_some_and(|code| code.starts_with('2'))
    };
    let hidden: Vec<String> = pages.iter().filter(hides).map(|page| page.error_code().to_string()).collect();
    if hidden.is_empty() {
        return Verdict::ok("no error page turns a 5xx into a success");
    }
    Verdict::bad(
        format!("CloudFront answers 200 in place of {}", hidden.join(", ")),
        "the probe and the alarms see a front end that is well while users see an error page",
        format!(
            "aws cloudfront get-distribution-config --id {id} --query DistributionConfig.CustomErrorResponses   # take \
             the response code away from these, by aws cloudfront update-distribution"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::verdict::Word;

    #[test]
    fn additional_metrics_are_worth_a_warning() {
        let of = |status: Option<RealtimeMetricsSubscriptionStatus>| measured("E1", status.as_ref()).word;
        assert_eq!(of(Some(RealtimeMetricsSubscriptionStatus::Enabled)), Word::Ok);
        assert_eq!(of(Some(RealtimeMetricsSubscriptionStatus::Disabled)), Word::Warn);
        assert_eq!(of(None), Word::Warn);
    }

    #[test]
    fn a_page_of_a_single_page_application_hides_nothing_and_one_for_500_does() {
        let page = |code, response: Option<&str>| {
            let page = CustomErrorResponse::builder().error_code(code);
            page.set_response_code(response.map(str::to_owned)).build().unwrap()
        };
        assert_eq!(
            shown("E1", &[page(403, Some("200")), page(404, Some("200")), page(502, None)]).word,
            Word::Ok
        );
        let hidden = shown("E1", &[page(500, Some("200")), page(503, Some("503"))]);
        assert_eq!(hidden.word, Word::Bad);
        assert_eq!(hidden.says, "CloudFront answers 200 in place of 500");
    }
}
