//! A client of server-sent events.

use reqwest::Method;
use reqwest::Response;
use serde_json::Value;

use super::PATIENCE;
use super::Server;

/// One block of a stream; what it does not say is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) data: String,
}

impl Block {
    /// Its id as a number.
    pub(crate) fn sequence(&self) -> u64 {
        self.id.parse().expect("an id that is a sequence")
    }

    /// Its data as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).expect("JSON data")
    }
}

/// An open stream.
pub(crate) struct Stream {
    response: Response,
    buffer: Vec<u8>,
    start: Block,
}

impl Stream {
    /// Follows the bus `default`; `last` is the id seen last, if any.
    pub(crate) async fn open(server: &Server, query: &[(&str, &str)], last: Option<u64>) -> Self {
        let mut request = server.request(Method::GET, "/v1/buses/default/tail").query(query);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = Self {
            response,
            buffer: Vec::new(),
            start: Block::default(),
        };
        stream.start = stream.next().await;
        stream
    }

    /// The block that told where the stream begins.
    pub(crate) const fn start(&self) -> &Block {
        &self.start
    }

    /// The next block that is not a comment.
    pub(crate) async fn next(&mut self) -> Block {
        let reading = async {
            loop {
                if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                    let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                    let text = String::from_utf8(block).expect("text");
                    if let Some(block) = parse(&text) {
                        return block;
                    }
                    continue;
                }
                let chunk = self.response.chunk().await.expect("the stream goes on");
                self.buffer.extend_from_slice(&chunk.expect("the stream goes on"));
            }
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("a block comes")
    }

    /// The next blocks.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        while blocks.len() < count {
            blocks.push(self.next().await);
        }
        blocks
    }
}

fn parse(text: &str) -> Option<Block> {
    let mut block = Block::default();
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("id", id)) => id.clone_into(&mut block.id),
            Some(("event", event)) => event.clone_into(&mut block.event),
            Some(("data", data)) => data.clone_into(&mut block.data),
            _ => {}
        }
    }
    (block != Block::default()).then_some(block)
}
