//! A notice, in the query protocol.

pub(super) fn query(operation: &[u8], request: &str) -> Option<String> {
    operation.starts_with(b"Publish&").then(|| {
        format!(
            "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
             <MessageId>bench</MessageId></PublishResult>{request}</PublishResponse>"
        )
    })
}
