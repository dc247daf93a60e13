//! What a month of the runbook costs, and which limit is met first.
