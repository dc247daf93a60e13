use shared::runner::Runner;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    shared::lambda::run(Runner::<restart::Restart>::start).await
}
