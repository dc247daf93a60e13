//! Who asks: the agent by the name that its program gives, and whose credentials it has. The first is the agent's own
//! word; the second is AWS's.

use rmcp::{
    ErrorData,
    handler::server::{common::FromContextPart, tool::ToolCallContext},
    model::Implementation,
};

/// A name is read by people, in notices and records.
const LONGEST: usize = 40;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agent(String);

impl<S> FromContextPart<ToolCallContext<'_, S>> for Agent {
    fn from_context_part(context: &mut ToolCallContext<'_, S>) -> Result<Self, ErrorData> {
        Ok(Self::of(context.request_context().client_info().as_ref()))
    }
}

impl Agent {
    fn of(client: Option<&Implementation>) -> Self {
        let name = client.map(|client| plain(&client.name)).unwrap_or_default();
        let version = client.map(|client| plain(&client.version)).unwrap_or_default();
        let said = match (name.as_str(), version.as_str()) {
            ("", _) => "an agent without a name".to_owned(),
            (name, "") => name.to_owned(),
            (name, version) => format!("{name} {version}"),
        };
        Self(said.chars().take(LONGEST).collect::<String>().trim_end().to_owned())
    }

    /// As in `claude-code 2.1.0 for ana@example.com`.
    pub(crate) fn on_behalf_of(&self, identity: &str) -> String {
        format!("{} for {identity}", self.0)
    }
}

/// Without what would be a command, a mention or a link to those who read it.
fn plain(text: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-_.+".contains(c) { c } else { ' ' };
    let words: String = text.chars().take(LONGEST).map(kept).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, version: &str, expected: &str) {
        let agent = Agent::of(Some(&Implementation::new(name, version)));
        assert_eq!(agent.on_behalf_of("ana"), format!("{expected} for ana"));
    }

    #[test]
    fn an_agent_is_called_by_its_programs_name_and_version() {
        check("claude-code", "2.1.0", "claude-code 2.1.0");
        check("Amazon Q", "", "Amazon Q");
    }

    #[test]
    fn a_name_calls_nobody_and_is_short() {
        check("<!channel>\n@here\u{202e}x", "1", "channel here x 1");
        check(&"x".repeat(1_000), "1", &"x".repeat(LONGEST));
        check("\u{0}", "1", "an agent without a name");
        assert_eq!(Agent::of(None).on_behalf_of("ana"), "an agent without a name for ana");
    }
}
