//! F23: a disk that is really full refuses events, and nothing else, until there is room.

use serde_json::json;
use tempfile::TempDir;

use super::SMALL;
use crate::support::Image;
use crate::support::Server;
use crate::support::eventually;

const RULES: &str = "rules:\n  - name: all\n    match: { type: [com.example.large] }\n    targets:\n      - { name: screen, echo: {} }\n";

#[tokio::test]
async fn f23_a_full_disk_refuses_events_and_is_resumed_from_without_a_restart() {
    let place = TempDir::new().unwrap();
    let image = match Image::make(&place.path().join("disk"), 128, "ext4", &["-F"]) {
        Ok(image) => image,
        Err(why) => return eprintln!("SKIPPED: no small file system can be made: {why}"),
    };
    let disk = match image.mount() {
        Ok(disk) => disk,
        Err(why) => return eprintln!("SKIPPED: no file system can be mounted: {why}"),
    };
    let filler = disk.root().join("filler");
    std::fs::write(&filler, vec![1; 60 << 20]).unwrap();
    let mut server = Server::start_in(TempDir::new_in(disk.root()).unwrap(), &SMALL).await;
    server.apply(RULES).await;
    let publish = async |id: u64| {
        let event = json!({
            "type": "com.example.large", "source": "/full", "id": id.to_string(),
            "data": { "text": "x".repeat(20_000) },
        });
        let request = server.request(reqwest::Method::POST, "/events").json(&event);
        let answer = request.send().await.unwrap();
        let (status, retry_after) = (
            answer.status().as_u16(),
            answer.headers().contains_key("retry-after"),
        );
        (
            status,
            retry_after,
            answer.json::<serde_json::Value>().await.unwrap(),
        )
    };

    let mut accepted = 0;
    let refusal = loop {
        let (status, retry_after, body) = publish(accepted + 1).await;
        if status != 202 {
            break (status, retry_after, body);
        }
        accepted += 1;
        assert!(accepted < 5_000, "the disk never got full");
    };
    assert_eq!((refusal.0, refusal.1), (503, true), "{}", refusal.2);
    assert_eq!(refusal.2["code"], "storage-full");
    assert!(accepted > 50, "{accepted}");
    eventually("everything accepted is delivered", async || {
        (server.route("all", "screen").await["delivered"] == accepted).then_some(())
    })
    .await;
    let (status, ready) = server.call(server.request(reqwest::Method::GET, "/readyz")).await;
    assert_eq!((status, &ready["code"]), (503, &json!("not-ready")));
    assert_eq!(ready["errors"][0]["code"], "storage");

    std::fs::remove_file(&filler).unwrap();
    eventually("there is room again", async || {
        (publish(accepted + 1).await.0 == 202).then_some(())
    })
    .await;
    accepted += 1;
    server.kill().await;
    server.restart().await;
    assert_eq!(server.last_sequence().await, accepted);
    drop(server);
    drop(disk);
}
