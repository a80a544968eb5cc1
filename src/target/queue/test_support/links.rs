//! What links of all kinds promise.

use std::time::Duration;

use super::DEADLINE;
use super::dialer;
use super::endpoint;
use super::structured;
use crate::brokers::eventually;
use crate::brokers::free_port;
use crate::egress::Dialer;
use crate::target::Outcome;
use crate::target::queue::Message;
use crate::target::queue::Trouble;
use crate::target::queue::link::BrokerLink;

/// A link to a URL with user and password, within the deadline of an attempt.
pub(crate) async fn link_of<L: BrokerLink>(url: &str, dialer: &Dialer) -> Result<L, Trouble> {
    let endpoint = endpoint(url);
    tokio::time::timeout(DEADLINE, L::connect(&endpoint, dialer))
        .await
        .expect("in time")
}

/// Why a message is refused, which it must be.
pub(crate) async fn publish_refused<L: BrokerLink>(
    link: &L,
    to: &L::Address,
    message: &Message<'_>,
) -> Trouble {
    let publishing = tokio::time::timeout(DEADLINE, link.publish(to, message));
    publishing.await.expect("an answer").expect_err("a refusal")
}

/// Waits until the link knows that it is of no use any more.
pub(crate) async fn breaks<L: BrokerLink>(link: &L) {
    eventually("the link is broken", async || link.is_broken().then_some(())).await;
}

/// Asserts that a link is given up for the silence of its server, which has begun.
pub(crate) async fn silence_breaks<L: BrokerLink>(link: &L, to: &L::Address) {
    // The clock runs to the next deadline as soon as everybody waits.
    tokio::time::pause();
    for is_broken in [false, true] {
        let message = structured("msg_1");
        let publishing = link.publish(to, &message);
        let given_up = tokio::time::timeout(Duration::from_secs(4), publishing).await;
        assert!(given_up.is_err());
        assert_eq!(link.is_broken(), is_broken);
    }
}

/// Asserts that an absent server is no connection and a forbidden one is blocked. In the URL `HOST` stands for
/// address and port.
pub(crate) async fn unreachable_are_told_apart<L: BrokerLink>(url: &str) {
    let absent = format!("127.0.0.1:{}", free_port());
    for (host, outcome, class) in [
        (&*absent, Outcome::RetryLater, "connect_error"),
        ("127.0.0.2", Outcome::Permanent, "egress_blocked"),
    ] {
        let linked = link_of::<L>(&url.replace("HOST", host), &dialer()).await;
        let trouble = linked.err().expect("no link");
        assert_eq!((trouble.outcome, trouble.class), (outcome, class));
    }
}
